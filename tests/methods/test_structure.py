"""Quantisation by channel, low rank, shuffling: what a method does to whole matrices, against numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from engine.errors import LesionError
from engine.methods import apply
from engine.models.loading import load
from engine.profile import ModelSpec
from engine.weights.draws import Draws
from engine.weights.slices import Slice
from tests.methods.damaging import Doubles, damaged, doubles


def matrix(*shape: int, seed: int = 0, transposed: bool = False) -> Slice:
    weights = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return Slice("w", Parameter(weights, requires_grad=False), transposed=transposed)


def rounded(old: Doubles, low: Doubles, high: Doubles, n: int) -> Doubles:
    """The nearest of n values from low to high, in float64."""
    step = (high - low) / (n - 1)
    return low + np.round((old - low) / step) * step


@pytest.mark.parametrize("method", ["uni_quant", "uni_quant_lineal"])
@pytest.mark.parametrize("bounds", ["asymmetric", "symmetric"])
@pytest.mark.parametrize("per", ["tensor", "channel"])
@pytest.mark.parametrize("group", ["attn_v", "mlp_only"])
def test_uni_quant_with_its_options_is_the_formula(method: str, bounds: str, per: str, group: str) -> None:
    for _, old, new in damaged(method, 6.0, group, bounds=bounds, per=per):
        axis = 1 if per == "channel" else None
        low, high = old.min(axis, keepdims=True), old.max(axis, keepdims=True)
        if bounds == "symmetric":
            high = np.maximum(-low, high)
            low = -high
        step = (high - low) / 5
        close = np.abs(((old - low) / step) % 1 - 0.5) > 1e-4  # not within rounding of the middle of two values
        np.testing.assert_allclose(new[close], rounded(old, low, high, 6)[close], atol=1e-6)
        assert (np.abs(new - old) <= step / 2 + 1e-6).all()


def test_symmetric_with_an_odd_number_of_values_keeps_zero() -> None:
    for _, _, new in damaged("uni_quant", 7.0, "mlp_only", bounds="symmetric"):
        values = np.unique(new)
        assert 0 in np.abs(values).round(9)
        np.testing.assert_allclose(np.abs(values[[0, -1]]).max(), np.abs(values).max())


def test_channels_are_outputs_however_the_matrix_is_stored() -> None:
    stored, turned = matrix(30, 50), matrix(30, 50)
    turned = Slice("w", Parameter(turned.tensor.detach().T.contiguous(), requires_grad=False), transposed=True)
    for method, level, options in (
        ("uni_quant", 4.0, {"per": "channel"}),
        ("uni_quant", 4.0, {"per": "channel", "bounds": "symmetric"}),
        ("svd_truncate", 0.5, {}),
    ):
        apply(method, [stored], level, 1, options)
        apply(method, [turned], level, 1, options)
        np.testing.assert_allclose(doubles(stored), doubles(turned).T, atol=1e-6)


def test_gpt2_matrices_are_known_to_be_stored_the_other_way_round(tiny_models: dict[str, Path]) -> None:
    for family, expected in (("gpt2", True), ("llama", False), ("neox", False)):
        path = str(tiny_models[family])
        loaded = load(ModelSpec(names=(path,)), path, torch.device("cpu"))
        for group in ("attn_v", "mlp_only", "attn_o"):
            assert {piece.transposed for piece in loaded.architecture.slices(group)} == {expected}


def test_a_channel_of_equal_weights_stays() -> None:
    piece = matrix(3, 40)
    piece.tensor.detach()[1] = 0.1
    apply("uni_quant", [piece], 2.0, 0, {"per": "channel"})
    assert (piece.tensor[1] == torch.tensor(0.1)).all()
    assert len(piece.tensor[0].unique()) == len(piece.tensor[2].unique()) == 2


@pytest.mark.parametrize("level", [0.0, 0.01, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("group", ["attn_v", "mlp_only"])
def test_svd_truncate_is_the_truncated_svd(level: float, group: str) -> None:
    for _, old, new in damaged("svd_truncate", level, group):
        u, s, v = np.linalg.svd(old, full_matrices=False)
        kept = max(round(level * s.size), 1) if level else 0
        np.testing.assert_allclose(new, u[:, :kept] * s[:kept] @ v[:kept], atol=1e-6 * s[0])
        assert np.linalg.matrix_rank(new, tol=1e-5 * s[0]) == kept


def test_svd_truncate_of_a_vector_and_of_what_is_not_finite() -> None:
    vector = matrix(20)
    before = doubles(vector)
    apply("svd_truncate", [vector], 0.3, 0)
    np.testing.assert_array_equal(doubles(vector), before)
    endless = matrix(4, 4)
    endless.tensor.detach()[0, 0] = float("nan")
    with pytest.raises(LesionError, match="svd_truncate needs finite weights"):
        apply("svd_truncate", [endless], 0.5, 0)


def shuffled_by_hand(old: Doubles, takes_part: np.ndarray[Any, np.dtype[np.bool_]], order: Doubles) -> Doubles:
    """One line: its places, from left to right, get those that take part by rising order."""
    new = old.copy()
    places = np.flatnonzero(takes_part)
    new[places] = old[places[np.argsort(order[places], kind="stable")]]
    return new


@pytest.mark.parametrize("level", [0.4, 1.0])
@pytest.mark.parametrize("within", ["all", "rows", "columns"])
@pytest.mark.parametrize("group", ["attn_v", "mlp_only"])
def test_shuffle_is_a_permutation_of_those_that_take_part(level: float, within: str, group: str) -> None:
    for piece, old, new in damaged("shuffle", level, group, within=within):
        takes_part = Draws(1).uniform(piece).double().numpy() < level
        order = Draws(1).whole(piece, "order").double().numpy()
        if within == "all":
            expected = shuffled_by_hand(old.ravel(), takes_part.ravel(), order.ravel()).reshape(old.shape)
        else:
            axis = 1 if within == "rows" else 0
            lines = [np.moveaxis(each, axis, 1) for each in (old, takes_part, order)]
            turned = np.stack([shuffled_by_hand(*line) for line in zip(*lines, strict=True)])
            expected = np.moveaxis(turned, 1, axis)
        np.testing.assert_array_equal(new, expected)
        assert (new != old).mean() > 0.8 * level


def test_every_place_is_as_likely_after_a_shuffle() -> None:
    where = np.zeros((4, 4))
    for seed in range(1000):
        piece = Slice("w", Parameter(torch.arange(4.0), requires_grad=False))
        apply("shuffle", [piece], 1.0, seed)
        where[np.arange(4), piece.tensor.int().numpy()] += 1
    assert abs(where - 250).max() < 5 * (1000 * 0.25 * 0.75) ** 0.5
