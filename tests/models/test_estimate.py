"""Estimates against the models themselves, and that no weight is read for them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from engine import catalog
from engine.errors import LesionError
from engine.models.estimate import survey_model
from engine.models.loading import load
from engine.petri import PETRI, SIZES
from engine.profile import Load, ModelSpec
from engine.weights.snapshot import Snapshot


@pytest.mark.parametrize("family", ["neox", "gpt2", "llama", "petri"])
def test_counts_are_those_of_the_loaded_model(family: str, tiny_models: dict[str, Path]) -> None:
    folder = str((tiny_models | {"petri": PETRI["petri-60k"]})[family])
    spec = ModelSpec(names=(folder,))
    loaded = load(spec, folder, torch.device("cpu"))
    absent = {"router"} if family == "llama" else {"router", "mlp_gate"}
    groups = [group for group in catalog.groups() if group not in absent]
    found = survey_model(spec, folder, [(group, None) for group in groups], [])
    model, parts = loaded.model, loaded.architecture
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.weights_bytes == sum(t.numel() * t.element_size() for t in [*model.parameters(), *model.buffers()])
    assert found.groups == {group: sum(s.numel for s in parts.slices(group)) for group in groups}
    assert found.snapshot_bytes == Snapshot(parts.slices("all")).bytes
    assert (found.architecture, found.tied, found.context) == (parts.name, parts.tied, parts.context)
    assert (found.layers, found.dtype, found.notes) == (len(parts.blocks), "float32", [])
    embeddings: set[Any] = {parts.embedding.weight, parts.head.weight}
    assert found.non_embedding == found.parameters - sum(weight.numel() for weight in embeddings)


def test_petri_counts_by_formula() -> None:
    spec = ModelSpec(names=tuple(SIZES))
    for name, size in SIZES.items():
        found = survey_model(spec, name, [("attn_v", None)], [])
        assert (found.non_embedding, found.parameters) == (size.non_embedding, size.non_embedding + size.embedding)
        assert found.groups == {"attn_v": size.layers * size.hidden**2}


def test_no_weights_are_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((PETRI["petri-1m"] / "config.json").read_text())
    spec = ModelSpec(names=(str(tmp_path),), dtype="float16")
    found = survey_model(spec, str(tmp_path), [("attn_v", "0-1"), ("mlp_only", (4,)), ("attn_q", None, (0, 3))], [])
    assert found.groups == {"attn_v[0-1]": 2 * 96**2, "mlp_only[4]": 8 * 96**2, "attn_q[heads 0,3]": 9 * 32 * 96}
    assert (found.dtype, found.snapshot_bytes) == ("float16", 2 * 8 * 96**2)


def test_loads_count_the_largest_and_grow_with_it() -> None:
    spec = ModelSpec(names=("petri-60k",))

    def need(*loads: Load) -> int:
        return survey_model(spec, "petri-60k", [], loads).activation_bytes

    small, large = Load(rows=4, tokens=64), Load(rows=16, tokens=64)
    assert need() == 0
    assert need(small, large) == need(large) == 4 * need(small)
    # Keys and values of 64 tokens, in 3 layers, 40 wide, 4 bytes; 63 tokens fewer turned into logits of 512 entries.
    assert need(Load(4, 64, cache=True)) - need(small) == 4 * 64 * 2 * 3 * 40 * 4
    assert need(small) - need(Load(4, 64, logits=1)) == 4 * 63 * 512 * (4 + 8)
    assert need(Load(4, None)) == need(Load(4, 256))


def test_what_cannot_be_is_said() -> None:
    spec = ModelSpec(names=("petri-16k",))
    with pytest.raises(LesionError, match="the model has 3 layers"):
        survey_model(spec, "petri-16k", [("mlp_only", "0-5")], [])
