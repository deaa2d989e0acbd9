"""Rankings and selections against sorting the whole list of a group's scores."""

import math
from collections.abc import Callable

import pytest
import torch

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.profile.scoring import Scope
from engine.scores import Ranking, ScoreSpec, overlap, rank, select
from engine.scores.reading import Reading

MAGNITUDE = ScoreSpec("magnitude")
Weight = tuple[str, int]


def listed(loaded: LoadedModel, group: str) -> dict[Weight, tuple[float, int | None]]:
    """Every weight of a group with its size and layer, in the order that decides between equals."""
    found: dict[Weight, tuple[float, int | None]] = {}
    for piece in loaded.architecture.slices(group):
        numbers = torch.arange(piece.tensor.numel()).view(piece.tensor.shape)
        for index, weight in zip(piece.cut(numbers).flatten().tolist(), piece.gather().flatten().tolist(), strict=True):
            found[piece.parameter, index] = abs(weight), piece.layer
    order = [name for name, _ in loaded.model.named_parameters()]
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0][1])))


def weights_of(ranking: Ranking) -> list[Weight]:
    return [(ranking.names[p], int(i)) for p, i in zip(ranking.parameters, ranking.indices, strict=True)]


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(("name", "group"), [("neox", "attn_k"), ("gpt2", "attn_all"), ("llama", "all")])
@pytest.mark.parametrize("k", [1, 40, 0.25])
def test_global_is_the_head_of_the_sorted_list(
    subjects: dict[str, LoadedModel], name: str, group: str, k: int | float, largest: bool
) -> None:
    every = listed(subjects[name], group)
    slices = subjects[name].architecture.slices(group)
    ranking = rank(slices[::-1], subjects[name], MAGNITUDE, k, largest=largest)  # the order of the slices is no matter
    count = round(k * len(every)) if isinstance(k, float) else k
    expected = sorted(every, key=lambda weight: -every[weight][0] if largest else every[weight][0])[:count]
    assert weights_of(ranking) == expected
    assert ranking.ranks.tolist() == list(range(1, count + 1))
    for entry in list(ranking.entries())[:5]:
        tensor = dict(subjects[name].model.named_parameters())[entry.parameter]
        assert float(tensor[entry.index]) == entry.weight
        assert entry.score == abs(entry.weight)


@pytest.mark.parametrize("scope", ["per_layer", "per_tensor"])
@pytest.mark.parametrize("k", [3, 100_000, 0.1])
def test_scopes_rank_each_layer_or_tensor_by_itself(
    subjects: dict[str, LoadedModel], scope: Scope, k: int | float
) -> None:
    loaded = subjects["llama"]
    every = listed(loaded, "all")
    units: dict[object, list[Weight]] = {}
    for weight, (_, layer) in every.items():
        units.setdefault(layer if scope == "per_layer" else weight[0], []).append(weight)
    assert len(units) == (3 if scope == "per_layer" else len(dict(loaded.model.named_parameters())))
    expected = set()
    for members in units.values():
        count = round(k * len(members)) if isinstance(k, float) else min(k, len(members))
        expected |= set(sorted(members, key=lambda weight: -every[weight][0])[:count])
    ranking = rank(loaded.architecture.slices("all"), loaded, MAGNITUDE, k, largest=True, scope=scope)
    assert set(weights_of(ranking)) == expected
    assert int((ranking.ranks == 1).sum()) == len(units)


def test_equal_scores_go_by_parameter_then_index(subjects: dict[str, LoadedModel]) -> None:
    loaded = subjects["neox"]
    slices = loaded.architecture.slices("attn_v")
    kept = [piece.gather().clone() for piece in slices]
    for piece in slices:
        piece.scatter(torch.ones(piece.shape))
    try:
        for largest in (True, False):
            chosen = select(slices, loaded, MAGNITUDE, 40, largest=largest)
            assert [*chosen] == [slices[0].parameter]
            rows = range(16, 24)  # of the first head's value, after its query and key
            assert (
                chosen[slices[0].parameter].tolist() == [row * 32 + column for row in rows for column in range(32)][:40]
            )
    finally:
        for piece, weights in zip(slices, kept, strict=True):
            piece.scatter(weights)


def test_a_selection_is_sorted_flat_indices(subjects: dict[str, LoadedModel], text: Callable[..., str]) -> None:
    loaded = subjects["gpt2"]
    spec = ScoreSpec("grad_x_weight", text=text())
    slices = loaded.architecture.slices("attn_only")
    chosen = select(slices, loaded, spec, 30, largest=True)
    assert sum(len(indices) for indices in chosen.values()) == 30
    for name, indices in chosen.items():
        assert indices.dtype == torch.int64
        assert torch.equal(indices, indices.unique())
        assert (indices % 96 >= 64).all(), f"{name}: values are the last third of the columns"
    assert select(slices, loaded, spec, 0, largest=True) == {}
    assert select([], loaded, spec, 3, largest=True) == {}
    assert len(rank([], loaded, spec, 0.5, largest=True)) == 0


def test_overlap() -> None:
    first = {"a": torch.tensor([1, 2, 3]), "b": torch.tensor([5])}
    second = {"a": torch.tensor([2, 3, 4]), "c": torch.tensor([5])}
    assert overlap(first, second) == 2 / 6
    assert overlap(first, first) == 1
    assert overlap(first, {"a": torch.tensor([7])}) == 0
    assert math.isnan(overlap({}, {}))


@pytest.mark.parametrize("k", [-1, 1.5, -0.5, math.nan])
def test_an_impossible_k_is_a_mistake(subjects: dict[str, LoadedModel], k: int | float) -> None:
    with pytest.raises(LesionError, match="is not possible: a whole number of weights"):
        select(subjects["neox"].architecture.slices("attn_v"), subjects["neox"], MAGNITUDE, k, largest=True)


def test_mistakes_in_a_spec(subjects: dict[str, LoadedModel], text: Callable[..., str]) -> None:
    loaded = subjects["llama"]
    slices = loaded.architecture.slices("attn_v")
    for spec, expected in [
        (ScoreSpec("gradxweight", text=text()), "did you mean 'grad_x_weight'"),
        (ScoreSpec("grad_x_weight", text="/no/such.txt"), "such.txt' cannot be read"),
        (ScoreSpec("grad_squared", text=text(), context=1), "context = 1"),
        (ScoreSpec("act_magnitude", text=text(), batch_size=0), "batch_size = 0"),
    ]:
        with pytest.raises(LesionError, match=expected):
            select(slices, loaded, spec, 1, largest=True)
    with pytest.raises(LesionError, match="no document of text"):
        select(
            subjects["neox"].architecture.slices("attn_v"),
            subjects["neox"],
            ScoreSpec("grad_squared", text=text("x")),
            1,
            largest=True,
        )


def test_text_auto_is_what_the_model_speaks(subjects: dict[str, LoadedModel]) -> None:
    from dataclasses import replace

    petri = replace(subjects["petri"], name="petri-16k")
    spec = ScoreSpec("grad_squared", documents=2)
    assert Reading(petri, spec).batches == Reading(petri, replace(spec, text="petri")).batches
    llama = Reading(subjects["llama"], spec)
    assert llama.batches == Reading(subjects["llama"], replace(spec, text="english")).batches
    assert all(len(window.tokens) <= 64 for batch in llama.batches for window in batch)
