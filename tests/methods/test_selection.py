"""Selectors: which weights a method touches, and that all others keep their bits."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from engine import catalog
from engine.errors import LesionError
from engine.methods import apply
from engine.methods.choosing import choose
from engine.models.loading import LoadedModel
from engine.profile.selection import Select
from engine.weights.draws import Draws
from engine.weights.selection import Selection, Share, first, mask
from engine.weights.slices import CHUNK, Slice
from tests.methods.damaging import doubles, petri

ELEMENTWISE = {
    "mult_gauss": 0.4,
    "lognorm": 0.4,
    "add_gauss": 0.4,
    "uni_quant": 4.0,
    "uni_quant_lineal": 4.0,
    "ablation": 1.0,
    "scale": -2.0,
    "sign_flip": 1.0,
    "bit_flip": 1.0,
}


def select(loaded: LoadedModel, group: str, seed: int = 1, **keys: Any) -> tuple[list[Slice], list[Any]]:
    """(slices, for each of them which of its weights are selected)."""
    slices = loaded.architecture.slices(group)
    chosen = choose(Select(**keys), slices, loaded, Draws(seed))
    assert chosen is not None
    return slices, [marked(piece, chosen) for piece in slices]


def marked(piece: Slice, chosen: Selection) -> Any:
    """Where the selection is, as an array shaped like the slice."""
    canvas = replace(piece, tensor=Parameter(torch.zeros_like(piece.tensor), requires_grad=False))
    if masks := chosen.masks(piece):
        for chunk, found in zip(canvas.chunks(), masks, strict=True):
            chunk.view.masked_fill_(found, 1)
    return canvas.gather().numpy() == 1


def test_these_are_all_elementwise_methods() -> None:
    assert set(ELEMENTWISE) == {info.name for info in catalog.methods().values() if info.elementwise and info.level}


@pytest.mark.parametrize("method", ELEMENTWISE)
@pytest.mark.parametrize("keys", [{"by": "random", "fraction": 0.3}, {"by": "top_k", "k": 50, "score": "magnitude"}])
def test_the_selected_are_as_without_a_selection_and_the_rest_keep_their_bits(
    method: str, keys: dict[str, Any]
) -> None:
    loaded, whole = petri(), petri()
    slices = loaded.architecture.slices("attn_v")
    slices[0].tensor.detach()[-3:] = float("nan") if method not in ("add_gauss", "uni_quant", "uni_quant_lineal") else 3
    whole.model.load_state_dict(loaded.model.state_dict())
    others = whole.architecture.slices("attn_v")
    chosen = choose(Select(**keys), slices, loaded, Draws(7))
    assert chosen is not None
    where = [marked(piece, chosen) for piece in slices]
    before = {name: parameter.clone() for name, parameter in loaded.model.named_parameters()}
    apply(method, others, ELEMENTWISE[method], 7)
    assert apply(method, slices, ELEMENTWISE[method], 7, None, chosen) == sum(int(found.sum()) for found in where) > 0
    for piece, other, found in zip(slices, others, where, strict=True):
        old = replace(piece, tensor=Parameter(before[piece.parameter], requires_grad=False)).gather()
        new, expected = (each.gather().view(torch.int32).numpy() for each in (piece, other))
        np.testing.assert_array_equal(new, np.where(found, expected, old.view(torch.int32).numpy()))
    names = {piece.parameter for piece in slices}
    for name, parameter in loaded.model.named_parameters():
        assert name in names or torch.equal(parameter, before[name])


def test_random_shares_are_nested_and_as_large_as_asked() -> None:
    loaded = petri()
    found = [select(loaded, "mlp_only", by="random", fraction=fraction)[1] for fraction in (0.1, 0.5, 1.0)]
    for less, more in pairwise(found):
        assert all((few <= many).all() for few, many in zip(less, more, strict=True))
    sizes = [sum(int(mask.sum()) for mask in each) for each in found]
    total = sum(mask.size for mask in found[0])
    assert abs(sizes[0] - 0.1 * total) < 5 * (0.09 * total) ** 0.5
    assert sizes[2] == total
    other = select(loaded, "mlp_only", seed=2, by="random", fraction=0.1)[1]
    assert any((one != two).any() for one, two in zip(found[0], other, strict=True))


@pytest.mark.parametrize("scope", ["global", "per_layer", "per_tensor"])
def test_random_k_are_the_smallest_draws_of_each_unit(scope: str) -> None:
    loaded = petri()
    slices, few = select(loaded, "mlp_only", by="random", k=20, scope=scope)
    _, many = select(loaded, "mlp_only", by="random", k=60, scope=scope)
    assert all((less <= more).all() for less, more in zip(few, many, strict=True))
    units: dict[Any, list[int]] = {}
    for place, piece in enumerate(slices):
        units.setdefault({"global": 0, "per_layer": piece.layer, "per_tensor": place}[scope], []).append(place)
    for places in units.values():
        drawn = np.concatenate([Draws(1).whole(slices[place], "select").numpy().ravel() for place in places])
        chosen = np.concatenate([few[place].ravel() for place in places])
        assert chosen.sum() == 20
        assert drawn[chosen].max() <= np.sort(drawn)[19]


def test_a_selection_does_not_depend_on_the_group_and_damage_draws_apart_from_it() -> None:
    loaded = petri()
    alone = select(loaded, "attn_v", by="random", fraction=0.3)[1]
    slices, together = select(loaded, "attn_all", by="random", fraction=0.3)
    for place, piece in enumerate(loaded.architecture.slices("attn_v")):
        same = [(other.parameter, other.ranges) for other in slices].index((piece.parameter, piece.ranges))
        np.testing.assert_array_equal(alone[place], together[same])
    picked = np.concatenate([found.ravel() for found in alone])
    drawn = [Draws(1).uniform(piece).numpy().ravel() for piece in loaded.architecture.slices("attn_v")]
    zeroed = np.concatenate(drawn) < 0.3
    assert abs((picked & zeroed).mean() - 0.09) < 5 * (0.09 / picked.size) ** 0.5


@pytest.mark.parametrize("by", ["top_k", "bottom_k"])
@pytest.mark.parametrize("scope", ["global", "per_layer"])
@pytest.mark.parametrize("count", [{"k": 33}, {"fraction": 0.02}])
def test_top_and_bottom_by_magnitude_are_those_of_a_full_sort(by: str, scope: str, count: dict[str, Any]) -> None:
    slices, found = select(petri(), "mlp_only", by=by, score="magnitude", scope=scope, **count)
    for layer in {piece.layer for piece in slices} if scope == "per_layer" else {None}:
        places = [i for i, piece in enumerate(slices) if layer in (None, piece.layer)]
        size = np.concatenate([np.abs(doubles(slices[i])).ravel() for i in places])
        chosen = np.concatenate([found[i].ravel() for i in places])
        k = count.get("k") or round(0.02 * size.size)
        order = np.sort(size) if by == "bottom_k" else np.sort(size)[::-1]
        np.testing.assert_array_equal(np.sort(size[chosen]), np.sort(order[:k]))


def test_coordinates() -> None:
    loaded = petri()
    piece = loaded.architecture.slices("mlp_only")[2]
    at = [(piece.parameter, 3, 5), (piece.parameter, 0, 0), (piece.parameter, 3, 5)]
    slices, found = select(loaded, "mlp_only", by="coordinates", coordinates=at)
    for other, where in zip(slices, found, strict=True):
        expected = [[0, 0], [3, 5]] if other.parameter == piece.parameter else []
        assert np.argwhere(where).tolist() == expected


@pytest.mark.parametrize(
    ("name", "index", "sentence"),
    [
        ("model.nothing.weight", (0, 0), "is not in the group; its parameters are "),
        (None, (0, 10**6), "does not exist: its shape is "),
        (None, (0,), "does not exist: its shape is "),
        (None, (0, 0), "some lie in parts of their parameters that are not in the group"),
    ],
)
def test_coordinates_that_are_not_there(name: str | None, index: tuple[int, ...], sentence: str) -> None:
    loaded = petri()
    slices = loaded.architecture.slices("attn_v")  # row 0 of the fused matrix is a query
    wanted = Select(by="coordinates", coordinates=((name or slices[0].parameter, *index),))
    with pytest.raises(LesionError, match=sentence):
        choose(wanted, slices, loaded, Draws(1))


def test_masks_of_chunks_of_every_shape() -> None:
    generator = np.random.default_rng(0)
    for shape, dim, ranges in (
        ((700, 390), 0, None),
        ((700, 390), 0, ((7, 200), (300, 301))),
        ((700, 390), 1, ((5, 300), (389, 390))),
        ((3 * CHUNK,), 0, None),
    ):
        piece = Slice("w", Parameter(torch.zeros(shape), requires_grad=False), dim, ranges)
        chosen = np.sort(generator.choice(piece.tensor.numel(), 5000, replace=False))
        for chunk in piece.chunks():
            chunk.view.masked_fill_(mask(chunk, torch.from_numpy(chosen)), 1)
        whole = np.zeros(shape, np.float32)
        inside = np.zeros(shape, bool)
        inside[(slice(None),) * dim + (np.r_[tuple(slice(*span) for span in ranges or ((0, shape[dim]),))],)] = True
        whole.ravel()[chosen] = 1
        np.testing.assert_array_equal(piece.tensor.numpy(), np.where(inside, whole, 0))


def test_first_gives_all_where_there_are_fewer() -> None:
    piece = Slice("w", Parameter(torch.zeros(5), requires_grad=False))
    assert first([piece], "select", 9, Draws(1)).listed().indices["w"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("method", ["shuffle", "svd_truncate", "magnitude_prune", "bit_flips"])
def test_methods_that_are_not_elementwise_take_no_selection(method: str) -> None:
    with pytest.raises(LesionError, match="cannot be confined to single weights"):
        apply(method, [], 0.5 if method != "bit_flips" else 1.0, 1, None, Share(0.5, Draws(1)))
