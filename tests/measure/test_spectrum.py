"""Spectra against numpy's singular values of hidden states gathered one document at a time, in float64."""

import math
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import Module

from engine.errors import LesionError
from engine.measure.measurement import Measured
from engine.measure.spectrum.run import Spectrum
from engine.measure.spectrum.singular import GramSum, summary
from engine.measure.spectrum.table import SpectrumMeasure
from engine.models.loading import LoadedModel
from engine.petri import held_out
from tests.measure.by_hand import walk

DOCUMENTS = ["The kettle sang and sang.", "Rain, at last!", "x", "Nobody knew why the lamp was lit.", "Größe — naïve."]
FAMILIES = ["llama", "gpt2", "neox", "petri"]


def text_file(folder: Path, documents: list[str]) -> str:
    path = folder / "text.txt"
    path.write_text("\n\n".join(documents), encoding="utf-8")
    return str(path)


def spectrum(loaded: LoadedModel, text: str, batch_size: int = 4, **options: object) -> Measured:
    spec = SpectrumMeasure.model_validate({"text": text, **options})
    return Spectrum(spec, loaded, Path()).run(0, batch_size, lambda done, total: None)


def numbers(singular: np.ndarray) -> dict[str, float]:
    share = singular / singular.sum()
    large = share[share > 0.01]
    return {
        "effective_rank": float(np.exp(-np.sum(share[share > 0] * np.log(share[share > 0])))),
        "effective_rank_cut": float(np.exp(-np.sum(large * np.log(large)))) if large.size else 0.0,
        "participation_ratio": float(np.sum(singular**2) ** 2 / np.sum(singular**4)),
        "spectral_gap": float(singular[0] - singular[1]),
    }


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("documents", [2, 5])  # fewer tokens than the width of 32 or 40, and more
def test_agrees_with_singular_values_by_hand(
    name: str, documents: int, subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    loaded = subjects[name]
    chosen = ["owls are blue .", "what does Zuca keep ?", *held_out(3, 3)] if name == "petri" else DOCUMENTS
    chosen = chosen[:documents]
    depth = len(loaded.architecture.blocks)
    measured = spectrum(loaded, text_file(tmp_path, chosen), layers=list(range(depth)))
    rows = [[step.after for step in walk(loaded, text)[0]] for text in chosen]
    expected = []
    assert measured.artifact is not None
    for layer in range(depth):
        matrix = torch.cat([row[layer] for row in rows]).numpy()
        singular = np.linalg.svd(matrix, compute_uv=False)
        found = measured.artifact["layers"][layer]
        assert found["layer"] == layer
        assert len(found["singular_values"]) == min(matrix.shape)
        assert found["singular_values"] == pytest.approx(singular.tolist(), rel=1e-4, abs=1e-6 * singular[0])
        expected.append(numbers(singular))
    assert measured.artifact["tokens"] == len(matrix)
    means = {key: sum(values[key] for values in expected) / depth for key in expected[0]}
    assert measured.metrics == pytest.approx(means, rel=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_batches_and_padding_do_not_matter(name: str, subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    text = text_file(tmp_path, DOCUMENTS)
    alone = spectrum(subjects[name], text, batch_size=1).metrics
    for batch_size in (3, 64):
        assert spectrum(subjects[name], text, batch_size).metrics == pytest.approx(alone, rel=1e-5)


def test_the_middle_layer_is_what_is_observed_unless_others_are_chosen(
    subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    text = text_file(tmp_path, DOCUMENTS)
    loaded = subjects["petri"]
    middle = len(loaded.architecture.blocks) // 2
    assert spectrum(loaded, text) == spectrum(loaded, text, layers=middle)
    assert spectrum(loaded, text).metrics != spectrum(loaded, text, layers=0).metrics
    with pytest.raises(LesionError, match=r"spectrum on .*: layers '7-8' do not exist: the model has"):
        spectrum(loaded, text, layers="7-8")


def test_long_documents_are_cut_and_said_so(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    spec = SpectrumMeasure(text=text_file(tmp_path, ["b" * 100, "short"]))
    measurement = Spectrum(spec, subjects["gpt2"], tmp_path)
    assert "1 documents cut at the model's context of 64 tokens" in measurement.notes[0]
    artifact = measurement.run(0, 2, lambda done, total: None).artifact
    assert artifact is not None
    assert artifact["tokens"] == 64 + 5


@pytest.mark.parametrize("n", [1, 2, 7, 99, 100, 300])
@pytest.mark.parametrize("rows", ["few", "many"])
def test_a_flat_spectrum_of_n_values_gives_n(n: int, rows: str) -> None:
    """An orthonormal matrix, narrow or tall, has n equal singular values."""
    size = n + 5
    matrix = np.linalg.qr(np.random.default_rng(n).standard_normal((size, n)))[0] * 7.5
    total = GramSum()
    for part in torch.tensor(matrix if rows == "many" else matrix.T).split(3):
        total.add(part)
    singular = total.singular_values()
    assert singular.tolist() == pytest.approx([7.5] * n)
    found = summary(singular)
    assert found["effective_rank"] == pytest.approx(n)
    assert found["participation_ratio"] == pytest.approx(n)
    assert found["spectral_gap"] == pytest.approx(0, abs=1e-9)
    flat = summary(torch.full((n,), 7.5, dtype=torch.float64))
    assert flat["effective_rank_cut"] == (0.0 if n >= 100 else pytest.approx(n))


def test_a_spectrum_by_hand() -> None:
    """Shares 0.6, 0.395 and 0.005: the last is dropped from the cut variant, whose shares still sum to 0.995."""
    found = summary(torch.tensor([120.0, 79.0, 1.0], dtype=torch.float64))
    entropy = -(0.6 * math.log(0.6) + 0.395 * math.log(0.395))
    assert found["effective_rank_cut"] == pytest.approx(math.exp(entropy))
    assert found["effective_rank"] == pytest.approx(math.exp(entropy - 0.005 * math.log(0.005)))
    assert found["participation_ratio"] == pytest.approx((14400 + 6241 + 1) ** 2 / (14400**2 + 6241**2 + 1))
    assert found["spectral_gap"] == 41


def test_what_is_small_beside_the_largest_is_lost_only_below_1e_minus_8() -> None:
    generator = np.random.default_rng(0)
    left, right = (np.linalg.qr(generator.standard_normal((size, 40)))[0] for size in (60, 40))
    true = np.concatenate([[1.0], np.geomspace(1e-2, 1e-6, 39)])
    total = GramSum()
    total.add(torch.tensor((left * true) @ right.T))
    singular = total.singular_values()
    assert singular.tolist() == pytest.approx(true.tolist(), rel=1e-3)
    assert summary(singular)["effective_rank"] == pytest.approx(numbers(true)["effective_rank"], rel=1e-6)


def test_a_rank_that_is_exhausted_does_not_rise_by_rounding() -> None:
    row = torch.randn(1, 64, generator=torch.Generator().manual_seed(1))
    total = GramSum()
    total.add(row.repeat(200, 1))
    assert summary(total.singular_values())["effective_rank"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_what_has_no_spectrum_is_not_a_number(value: float, subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    total = GramSum()
    total.add(torch.full((3, 2), value))
    assert all(math.isnan(found) for found in summary(total.singular_values()).values())


def test_a_damaged_layer_shows(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    loaded, text = subjects["neox"], text_file(tmp_path, DOCUMENTS)
    whole = spectrum(loaded, text).metrics
    kept = deepcopy(loaded.model.state_dict())
    try:
        with torch.no_grad():
            for block in loaded.architecture.blocks:
                assert isinstance(block.mlp, Module)
                for parameter in block.mlp.parameters():
                    parameter.mul_(30)
        assert spectrum(loaded, text).metrics["spectral_gap"] > whole["spectral_gap"]
    finally:
        loaded.model.load_state_dict(kept)
    assert spectrum(loaded, text).metrics == whole
