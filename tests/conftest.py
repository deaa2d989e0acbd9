"""What several rooms test on: tiny untrained models of every supported family, and a small finished run."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.warm.opening import NURSERY, opened

# Where tests run in the background of a shell it is ignored, and what they start would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Processes that tests start keep what they have compiled, as a user's do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What a library will drop is an error in the processes that tests start, too; of pytest's own, pyproject.toml says so.
os.environ.setdefault("PYTHONWARNINGS", "error::FutureWarning")


def pytest_configure(config: pytest.Config) -> None:
    """Workers that tests start are born in one nursery. Only Linux has what that takes."""
    if NURSERY not in os.environ and sys.platform == "linux":
        config.add_cleanup(opened())


@pytest.fixture
def own_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that load everything themselves, as they do for a user."""
    monkeypatch.delenv(NURSERY, raising=False)


CHAT = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<bot>{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by family: "llama" (opens texts with BOS, grouped heads, a chat template), "gpt2" (tied embedding,
    learned positions, no BOS, no pad token) and "neox". They read bytes; the context is 64 tokens."""
    import torch
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        GPTNeoXConfig,
        GPTNeoXForCausalLM,
        LlamaConfig,
        LlamaForCausalLM,
    )

    # 272 ids where the tokenizers have fewer: vocabularies are often padded.
    common: dict[str, Any] = {"vocab_size": 272, "bos_token_id": 256, "eos_token_id": 257, "initializer_range": 0.2}
    small: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    heads: dict[str, Any] = {"num_attention_heads": 4, "max_position_embeddings": 64}
    torch.manual_seed(0)
    models = {
        "llama": LlamaForCausalLM(LlamaConfig(**common, **small, **heads, num_key_value_heads=2)),
        "gpt2": GPT2LMHeadModel(GPT2Config(**common, n_embd=32, n_layer=2, n_head=4, n_positions=64, n_inner=48)),
        "neox": GPTNeoXForCausalLM(GPTNeoXConfig(**common, **small, **heads)),
    }
    root = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.05 * torch.randn_like(parameter)  # biases and norms are not at 0 and 1
        model.save_pretrained(root / name)
        _byte_tokenizer(opens_with_bos=name == "llama").save_pretrained(root / name)
    return {name: root / name for name in models}


@pytest.fixture(scope="session")
def seeing_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of tiny image-text models by kind; see tests.seeing."""
    from tests import seeing

    root = tmp_path_factory.mktemp("seeing")
    return {kind: seeing.save(kind, root / kind) for kind in seeing.KINDS}


TINY_PROFILE = """
name = "tiny"

[model]
names = ["petri-16k", "petri-60k"]
dtype = "float32"
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.0, 0.5]

[seeds]
count = 2

[[measure]]
name = "perplexity"
documents = 4

[[measure]]
name = "generation"
prompts = "petri"
limit = 2
max_new_tokens = 8

[run]
threads = 1
"""


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of petri-16k and petri-60k: 2 seeds, 2 levels and a baseline a seed, so 12 trials, all of them ok.

    Its parent is a results folder with nothing else in it. Read only: other tests share it.
    """
    from engine import profile, runs

    source = tmp_path_factory.mktemp("profiles") / "tiny.toml"
    source.write_text(TINY_PROFILE)
    run = runs.create(profile.load(source), tmp_path_factory.mktemp("finished"), source=source)
    runs.start(run).wait()
    ended = runs.status(run)
    log = (run / "worker.log").read_text() if (run / "worker.log").exists() else ""
    assert (ended.state, ended.ok) == ("done", 12), f"{ended}\n{log}"
    return run


def _byte_tokenizer(*, opens_with_bos: bool) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    if opens_with_bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 256)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    if opens_with_bos:
        fast.chat_template = CHAT
    return fast
