"""Masking in the order of a selection: which weights, how many, and that nothing else is touched."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import LesionError
from engine.methods import apply
from engine.methods.choosing import choose
from engine.models.loading import LoadedModel
from engine.profile.selection import Select
from engine.weights.draws import Draws
from engine.weights.selection import Listed, Ordered, joined
from tests.methods.damaging import petri

RATIOS = (0.1, 0.25, 0.5, 0.75, 1.0)
Weight = tuple[str, int]


def flat(loaded: LoadedModel) -> dict[str, np.ndarray]:
    return {name: p.detach().numpy().ravel().copy() for name, p in loaded.model.named_parameters()}


def masked(loaded: LoadedModel, group: str, level: float, **keys: Any) -> tuple[int, set[Weight]]:
    """What `mask` says it touched, and the weights that changed, all of which must have become 0; then put back."""
    slices, before = loaded.architecture.slices(group), flat(loaded)
    touched = apply("mask", slices, level, 3, None, choose(Select(**keys), slices, loaded, Draws(3), in_order=True))
    after = flat(loaded)
    changed = {(name, int(i)) for name in before for i in np.flatnonzero(before[name] != after[name])}
    assert all(after[name][i] == 0 for name, i in changed)
    with torch.no_grad():
        for name, parameter in loaded.model.named_parameters():
            parameter.copy_(torch.from_numpy(before[name]).view_as(parameter))
    return touched, changed


def by_size(loaded: LoadedModel, group: str, layer: int | None, *, largest: bool) -> list[Weight]:
    """All weights of a group (in one layer), sorted in numpy: by size, equals by parameter and index."""
    found: list[tuple[float, int, int, str]] = []
    order = [name for name, _ in loaded.model.named_parameters()]
    for piece in loaded.architecture.slices(group):
        if layer in (None, piece.layer):
            indices = piece.cut(torch.arange(piece.tensor.numel()).view(piece.tensor.shape)).numpy().ravel()
            size = np.abs(piece.gather().numpy().ravel())
            sign = -1 if largest else 1
            found += [
                (sign * float(s), order.index(piece.parameter), int(i), piece.parameter)
                for s, i in zip(size, indices, strict=True)
            ]
    return [(name, i) for _, _, i, name in sorted(found)]


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    """With equal weights among the largest and among the smallest, none of them 0."""
    model = petri()
    values = model.architecture.slices("attn_v")
    with torch.no_grad():
        for piece in values:
            piece.tensor.view(-1)[-40:-20] = 3.0  # the last rows of the fused matrix are values
            piece.tensor.view(-1)[-20:] = -1e-30
    return model


@pytest.mark.parametrize("by", ["top_k", "bottom_k"])
@pytest.mark.parametrize("k", [10, 50, 77])
def test_the_first_of_the_sorted_list_are_zeroed(loaded: LoadedModel, by: str, k: int) -> None:
    order = by_size(loaded, "attn_v", None, largest=by == "top_k")
    for ratio in RATIOS:
        touched, changed = masked(loaded, "attn_v", ratio, by=by, k=k, score="magnitude")
        count = int(np.floor(ratio * k))
        assert (touched, changed) == (count, set(order[:count]))


def test_per_layer_each_layer_gives_its_share(loaded: LoadedModel) -> None:
    layers = {piece.layer for piece in loaded.architecture.slices("attn_v")}
    assert len(layers) > 1
    touched, changed = masked(loaded, "attn_v", 0.5, by="top_k", k=15, score="magnitude", scope="per_layer")
    expected = {w for layer in layers for w in by_size(loaded, "attn_v", layer, largest=True)[:7]}
    assert (touched, changed) == (7 * len(layers), expected)


def test_random_weights_go_in_the_order_of_their_draws(loaded: LoadedModel) -> None:
    drawn = []
    for piece in loaded.architecture.slices("mlp_only"):
        u = Draws(3).whole(piece, "select").numpy().ravel()
        drawn += [(float(x), piece.parameter, i) for i, x in enumerate(u)]
    order = [(name, i) for _, name, i in sorted(drawn)]
    found = [masked(loaded, "mlp_only", ratio, by="random", k=40) for ratio in RATIOS]
    assert [touched for touched, _ in found] == [4, 10, 20, 30, 40]
    for touched, changed in found:
        assert changed == set(order[:touched])


def test_a_share_drawn_weight_by_weight_shrinks_with_the_level(loaded: LoadedModel) -> None:
    found = [masked(loaded, "mlp_only", ratio, by="random", fraction=0.2)[1] for ratio in RATIOS]
    assert all(less < more for less, more in pairwise(found))
    whole = choose(
        Select(by="random", fraction=0.05), (slices := loaded.architecture.slices("mlp_only")), loaded, Draws(3)
    )
    assert whole is not None
    assert len(found[1]) == sum(int(m.sum()) for piece in slices for m in whole.masks(piece))


def test_coordinates_go_in_the_order_of_the_list(loaded: LoadedModel) -> None:
    one, two = (piece.parameter for piece in loaded.architecture.slices("mlp_only")[:2])
    at = ((two, 1, 1), (one, 5, 0), (two, 1, 1), (one, 0, 0), (two, 0, 0))
    _, changed = masked(loaded, "mlp_only", 0.5, by="coordinates", coordinates=at)
    width = dict(loaded.model.named_parameters())[one].shape[1]
    assert changed == {(two, dict(loaded.model.named_parameters())[two].shape[1] + 1), (one, 5 * width)}


def test_shares_that_binary_numbers_miss_by_a_hair() -> None:
    places = torch.arange(100)
    order = Ordered(("w",), places + 1, torch.zeros(100, dtype=torch.long), places)
    assert [sum(map(len, order.share(r).indices.values())) for r in (0.29, 0.57, 0.58, 0.999, 1.0)] == [
        29,
        57,
        58,
        99,
        100,
    ]
    both = joined([order.head(3), Ordered(("v", "w"), places[:5] + 1, torch.tensor([1, 0, 0, 1, 0]), places[:5] + 7)])
    assert {name: found.tolist() for name, found in both.share(0.7).indices.items()} == {"w": [0, 1, 7], "v": [8, 9]}


def test_without_an_order_there_is_nothing_to_mask(loaded: LoadedModel) -> None:
    slices = loaded.architecture.slices("mlp_only")
    for selection in (None, Listed({})):
        with pytest.raises(LesionError, match="needs a selection that has an order"):
            apply("mask", slices, 0.5, 1, None, selection)
    assert apply("mask", slices, 0.0, 1) == 0
