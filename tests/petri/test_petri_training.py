"""Training: the same seed gives the same weights to the bit, and a few steps already lower the loss."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from engine.petri import CONTEXT, PETRI
from engine.petri.evaluate import perplexity
from engine.petri.grammar import generate
from engine.petri.train import BATCH, build_corpus, build_model, save, train
from engine.petri.vocabulary import train_tokenizer

pytestmark = pytest.mark.slow

STEPS = 12


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(PETRI["petri-16k"])


@pytest.fixture(scope="module")
def corpus(tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    return build_corpus(tokenizer, seed=5, sequences=STEPS * BATCH)


def test_the_same_seed_trains_the_same_weights_and_learns(corpus: torch.Tensor) -> None:
    runs = []
    for _ in range(2):
        model = build_model("petri-16k", seed=5)
        losses = list(train(model, corpus, peak_rate=1e-2))
        runs.append((losses, model.state_dict()))
    (losses, weights), (again, weights_again) = runs
    assert losses == again
    assert len(losses) == STEPS
    assert all(torch.equal(weights[key], weights_again[key]) for key in weights)
    assert losses[-1] < losses[0] - 0.5


def test_another_seed_starts_from_other_weights() -> None:
    first, second = (build_model("petri-16k", seed).get_input_embeddings().weight for seed in (1, 2))
    assert not torch.equal(first, second)


def test_the_corpus_is_packed_documents(tokenizer: PreTrainedTokenizerFast, corpus: torch.Tensor) -> None:
    assert corpus.shape == (STEPS * BATCH, CONTEXT)
    documents = tokenizer.decode(corpus.flatten()).split(tokenizer.eos_token)
    assert documents[:-1] == generate("train", 5, len(documents) - 1)


def test_the_tokenizer_is_the_same_twice() -> None:
    texts = generate("train", 5, 300)
    first, second = (train_tokenizer(texts).backend_tokenizer.to_str() for _ in range(2))
    assert first == second


def test_saving_leaves_a_whole_folder_and_nothing_else(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    model = build_model("petri-16k", seed=1)
    save(model, tokenizer, tmp_path / "petri-16k")
    assert [entry.name for entry in tmp_path.iterdir()] == ["petri-16k"]
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "petri-16k")
    texts = generate("held-out", 1, 8)
    assert perplexity(loaded, tokenizer, texts) == pytest.approx(perplexity(model, tokenizer, texts))
