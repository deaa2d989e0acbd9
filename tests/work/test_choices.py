"""Selections of a whole profile: each is what it would be by itself, and the model is read once for all of them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.methods.choosing import choose
from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec, Profile, Select, Trial, parse, trials
from engine.weights.draws import Draws
from engine.weights.selection import Ordered
from engine.work.choices import Choices, place_of


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load(ModelSpec(names=("petri-4k",)), "petri-4k", torch.device("cpu"))


def profile(folder: Path, *selects: dict[str, Any], method: str = "mask") -> Profile:
    damage = [{"method": method, "groups": ["mlp_only", "attn_all"], "levels": [1.0], "select": one} for one in selects]
    tables = {"name": "p", "model": {"names": ["petri-4k"]}, "damage": damage, "seeds": {"count": 2}}
    return parse({**tables, "measure": [{"name": "perplexity", "documents": 1}]}, "test", folder)


def chosen(loaded: LoadedModel, made: Profile, folder: Path) -> list[tuple[Trial, Any]]:
    choices = Choices(made.damage, loaded, folder)
    found = []
    for trial in trials(made, folder)[1:]:
        found.append((trial, choices.of(trial, loaded.architecture.slices(*place_of(trial)))))
    return found


def test_heads_of_one_ranking_are_rankings_of_their_own(loaded: LoadedModel, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("ba da\n\nda ba ba")
    made = profile(
        tmp_path,
        {"by": "top_k", "k": [3, 50, 20], "score": "grad_x_weight", "documents": 2},
        {"by": "bottom_k", "k": 20, "score": "grad_x_weight", "documents": 2},
        {"by": "top_k", "k": [3, 20], "score": "grad_x_weight", "text": "own.txt"},
        {"by": "random", "k": [3, 20]},
        {"by": "top_k", "k": 3, "score": "magnitude", "scope": "per_tensor"},
    )
    read: list[int] = []
    hook = loaded.model.register_forward_hook(lambda *_: read.append(1))
    try:
        found = chosen(loaded, made, tmp_path)
    finally:
        hook.remove()
    assert len(found) == 2 * 9 * 2
    assert len(read) == 2 * 2, "one pass a group and text, for every k, either end and every seed"
    for trial, selection in found:
        slices = loaded.architecture.slices(*place_of(trial))
        wanted = Select.model_validate(trial.select, context={"must_exist": False})
        alone = choose(wanted, slices, loaded, Draws(trial.seed), tmp_path, in_order=True)
        assert isinstance(selection, Ordered)
        assert isinstance(alone, Ordered)
        assert [selection.names[p] for p in selection.parameters] == [alone.names[p] for p in alone.parameters]
        assert torch.equal(selection.indices, alone.indices)
        assert torch.equal(selection.ranks, alone.ranks)


def test_every_option_of_a_score_makes_a_selection_of_its_own(loaded: LoadedModel, tmp_path: Path) -> None:
    base = {"by": "top_k", "k": 40, "score": "hutchinson", "documents": 2}
    options: list[dict[str, Any]] = [{}, {"seed": 1}, {"probes": 1}, {"context": 4}, {"documents": 1}]
    made = profile(tmp_path, *(base | one for one in options), method="sign_flip")
    found = [
        sorted((n, tuple(i.tolist())) for n, i in s.listed().indices.items()) for _, s in chosen(loaded, made, tmp_path)
    ]
    alone = found[0::2][: len(options)]
    assert all(alone.count(one) == 1 for one in alone)
