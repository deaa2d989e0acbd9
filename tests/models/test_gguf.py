"""A .gguf file is loaded into ordinary weights, and can be damaged and put back like any other model."""

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from engine.methods import apply
from engine.models.estimate import survey_model
from engine.models.loading import load
from engine.profile import ModelSpec
from engine.weights.snapshot import Snapshot, digest

HIDDEN, HEADS, KV_HEADS, FF, LAYERS = 32, 4, 2, 64, 2


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two blocks with random float32 weights, and a tokenizer of letters."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    random = np.random.default_rng(0)
    tokens = ["<unk>", "<s>", "</s>", *"abcdefghijklmnopqrstuvwxyz", "ab", "cd"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FF)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_merges(["a b", "c d"])
    writer.add_token_types([2, 3, 3] + [1] * 28)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    shapes = {"token_embd": (len(tokens), HIDDEN), "output_norm": (HIDDEN,), "output": (len(tokens), HIDDEN)}
    for layer in range(LAYERS):
        kv = HIDDEN // HEADS * KV_HEADS
        block = {"attn_norm": (HIDDEN,), "ffn_norm": (HIDDEN,), "attn_q": (HIDDEN, HIDDEN), "attn_k": (kv, HIDDEN)}
        block |= {"attn_v": (kv, HIDDEN), "attn_output": (HIDDEN, HIDDEN), "ffn_gate": (FF, HIDDEN)}
        block |= {"ffn_up": (FF, HIDDEN), "ffn_down": (HIDDEN, FF)}
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in block.items()}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", random.normal(0, 0.2, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_file_is_an_ordinary_model(file: Path, tmp_path: Path) -> None:
    loaded = load(ModelSpec(names=(str(file),)), str(file), torch.device("cpu"))
    assert (loaded.architecture.name, loaded.dtype, loaded.architecture.context) == ("llama", torch.float32, 64)
    slices = loaded.architecture.slices("attn_v")
    before, snapshot = digest(loaded.model), Snapshot(slices)
    assert apply("ablation", slices, 0.5, 0) == LAYERS * HIDDEN * HIDDEN // 2
    snapshot.restore()
    assert digest(loaded.model) == before
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    again = load(ModelSpec(names=(str(tmp_path),)), str(tmp_path), torch.device("cpu"))
    assert again.digest == loaded.digest


def test_a_gguf_file_can_be_estimated(file: Path) -> None:
    found = survey_model(ModelSpec(names=(str(file),)), str(file), [("attn_v", None)], [])
    assert (found.layers, found.groups, found.dtype) == (2, {"attn_v": LAYERS * HIDDEN * HIDDEN // 2}, "float32")
