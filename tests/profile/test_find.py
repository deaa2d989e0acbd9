"""Searching a dose: found wherever it lies, by as few levels as bisecting takes, and the same way every time."""

import math
import random
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine import catalog
from engine.catalog import LevelInfo
from engine.errors import LesionError
from engine.profile import Profile, Search, grid, load, parse, to_toml
from engine.profile.find import Axis, Find, Looked, look

SIGMA = LevelInfo("σ", "noise", low=0.0, high=100.0, neutral=0.0)
VALUES = LevelInfo("n", "values", low=2.0, high=65536.0, spacing="geometric", integer=True, descending=True)
FLIPS = LevelInfo("n", "bits", low=0.0, high=1e12, integer=True, neutral=0.0)
KEPT = LevelInfo("f", "kept", low=0.0, high=1.0, neutral=1.0, descending=True)


def find(crosses: Any = 10.0, within: float = 0.02, **more: Any) -> Find:
    return Find.model_validate({"find": "m", "crosses": crosses, "within": within, **more})


def search(how: Find, info: LevelInfo, metric: Callable[[float], float | None], undamaged: float | None = 1.0) -> Any:
    """Where it ends, and the levels tried on the way."""
    values: dict[float, float | None] = {}
    while (looked := look(how, info, undamaged if values else None, values)).level is not None:
        assert looked.level not in values
        info.check(looked.level)
        values[looked.level] = metric(looked.level)
        assert len(values) <= Axis(how, info).most
    return looked, list(values)


def step(axis: Axis, crossing: float, level: float) -> float:
    return 10.0 if axis.place(level) >= crossing else 2.0


AXES = [
    (find(), SIGMA),
    (find(within=0.3, to=1.4), SIGMA),
    (find(within=0.001, **{"from": 0.5}), SIGMA),
    (find(within=0.05, spacing="geometric", **{"from": 0.001}), SIGMA),
    (find(within=0.02), VALUES),
    (find(within=0.5, to=3.0), VALUES),
    (find(within=1), FLIPS),
    (find(within=1, spacing="geometric", **{"from": 1.0}), FLIPS),
    (find(within=0.01), KEPT),
]


@pytest.mark.parametrize(("how", "info"), AXES, ids=str)
def test_it_is_found_wherever_it_lies(how: Find, info: LevelInfo) -> None:
    axis, draw = Axis(how, info), random.Random(0)
    for _ in range(200):
        crossing = draw.uniform(0, axis.length * 1.1) if draw.random() < 0.5 else draw.uniform(0, 40 * axis.within)
        looked, levels = search(how, info, partial(step, axis, crossing))
        if looked.verdict == "at once":
            assert crossing <= 0
        elif looked.verdict == "never":
            assert crossing > axis.length
        else:
            low, high = axis.place(looked.low), axis.place(looked.high)
            assert low < crossing <= high
            whole = info.integer and abs(looked.low - looked.high) == 1  # nothing lies between
            assert high - low <= axis.within * (1 + 1e-6) or whole
        assert len(levels) == len(set(levels))


def test_a_metric_that_falls_crosses_downwards() -> None:
    looked, _ = search(find("-50%"), SIGMA, lambda level: 0.8 - level, 0.8)
    assert (looked.verdict, looked.low < 0.4 <= looked.high) == ("found", True)
    looked, _ = search(find("2x"), SIGMA, lambda level: 3.0 + level, 3.0)
    assert looked.low < 3.0 <= looked.high
    looked, _ = search(find("+50%"), SIGMA, lambda level: -2.0 + level, -2.0)  # of its size: up by 1
    assert looked.low < 1.0 <= looked.high


def test_fewer_than_a_third_of_a_grid() -> None:
    looked, levels = search(find(to=1.4), SIGMA, lambda level: 10.0 if level >= 0.7 else 2.0)
    assert (looked.verdict, looked.high - looked.low <= 0.02) == ("found", True)
    assert len(levels) * 3 < 1.4 / 0.02


@pytest.mark.parametrize(
    ("undamaged", "metric", "ends"),
    [
        (1.0, lambda level: 2.0, Looked(verdict="never", low=100.0)),
        (1.0, lambda level: None, Looked(reason="the trial at level 0.16 has no value")),
        (None, lambda level: 2.0, Looked(reason="the undamaged model has no finite value to compare with")),
        (math.inf, lambda level: 2.0, Looked(reason="the undamaged model has no finite value to compare with")),
        (10.0, lambda level: 2.0, Looked(reason="the undamaged model is where the crossing would be")),
    ],
)
def test_how_else_it_may_end(undamaged: float | None, metric: Any, ends: Looked) -> None:
    looked, _ = search(find(), SIGMA, metric, undamaged)
    assert repr(looked) == repr(ends)


def test_a_broken_model_has_crossed() -> None:
    looked, _ = search(find(), SIGMA, lambda level: math.nan if level > 0.5 else 2.0)
    assert looked.verdict == "found"
    assert looked.low <= 0.5 < looked.high
    looked, _ = search(find(), SIGMA, lambda level: math.inf if level > 0.5 else 2.0)
    assert looked.low <= 0.5 < looked.high


def test_a_start_of_ones_own_is_tried_first() -> None:
    looked, levels = search(find(**{"from": 0.5}), SIGMA, lambda level: 20.0)
    assert (looked.verdict, levels) == ("at once", [0.5])


PROFILE: dict[str, Any] = {
    "name": "p",
    "model": {"names": ["petri-4k"]},
    "damage": [
        {"method": "mult_gauss", "groups": ["attn_only"], "levels": {"find": "nll", "crosses": "2x", "within": 0.02}}
    ],
    "measure": [{"name": "perplexity"}],
}


def profile(more: dict[str, Any] | None = None, **levels: Any) -> Profile:
    """The profile, with keys of its search changed (None: left out), and with another damage."""
    [table] = PROFILE["damage"]
    sought = {key: value for key, value in ({**table["levels"], **levels}).items() if value is not None}
    damage = [{**table, "levels": sought}, *([more] if more else [])]
    return parse({**PROFILE, "damage": damage}, "p.toml", Path())


def test_it_reads_back_as_it_was_written() -> None:
    bounds: dict[str, Any] = {"from": 0.1, "to": 2.0, "spacing": "geometric"}
    made = profile(**bounds)
    again = parse(tomllib.loads(to_toml(made)), "p.toml", Path())
    assert again == made
    assert again.damage[0].sought == made.damage[0].sought
    assert 'crosses = "2x"' in to_toml(made)


def test_the_grid_holds_the_rest_and_counts_what_may_come() -> None:
    made = profile({"method": "scale", "groups": ["all"], "levels": [0.5]})
    known, [search] = grid(made)
    assert [trial.method for trial in known] == ["none", "scale"]
    assert isinstance(search, Search)
    assert made.trial_count == len(known) + search.most
    one, other = search.trial(0.16, 0), search.trial(0.64, 1)
    assert (one.index, other.index) == (2, 3)
    listed = parse({**PROFILE, "damage": [{**PROFILE["damage"][0], "levels": [0.16]}]}, "p.toml", Path())
    assert one.key == grid(listed)[0][1].key  # what a trial is does not depend on why it was tried


@pytest.mark.parametrize(
    ("levels", "field", "sentence"),
    [
        ({"crosses": "twice"}, "levels.crosses", 'give a number, "2x" or "-50%"'),
        ({"crosses": None}, "levels.crosses", "this key is required"),
        ({"crosses": [1]}, "levels.crosses", "must be a number, or a text"),
        ({"within": 0.0}, "levels.within", "must be above 0"),
        ({"within": 500.0}, "levels.within", "must be less than the way from 0 to 100"),
        ({"find": "accuracy"}, "levels.find", "no measurement here has 'accuracy'"),
        ({"find": "nl"}, "levels.find", "did you mean 'nll'?"),
        ({"to": 1000.0}, "levels.to", "level 1000 is not possible"),
        ({"to": 0.0}, "levels.to", "a search needs room"),
        ({"spacing": "geometric"}, "levels.from", "geometric spacing needs levels above 0"),
        ({"steps": 3}, "levels.steps", "there is no such key"),
    ],
)
def test_what_is_wrong_is_one_sentence(levels: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(LesionError) as raised:
        profile(**levels)
    assert raised.value.field == f"damage.0.{field}"
    assert sentence in str(raised.value)


def test_a_search_stands_alone_and_is_no_stage() -> None:
    for levels in ([0.5], {"find": "perplexity", "crosses": "2x", "within": 0.1}):
        with pytest.raises(LesionError, match="put one of them into a profile of its own"):
            profile({"method": "mult_gauss", "groups": ["mlp_only", "attn_only"], "levels": levels})
    stage = {**PROFILE["damage"][0]}
    with pytest.raises(LesionError, match="takes a method with one group and one level"):
        profile({"method": "scale", "groups": ["all"], "levels": [0.5], "before": [stage]})
    with pytest.raises(LesionError, match="the method none does nothing and takes no levels"):
        profile({"method": "none", "levels": PROFILE["damage"][0]["levels"]})
    with pytest.raises(LesionError, match="there is no such key"):
        profile({"method": "scale", "groups": ["all"], "levels": [0.5], "sought": PROFILE["damage"][0]["levels"]})


def test_every_method_can_be_searched(tmp_path: Path) -> None:
    for name, info in catalog.methods().items():
        if info.level is not None:
            axis = Axis(find(within=2.0 if info.level.integer else 0.1), info.level)
            assert axis.length > axis.within, name
            assert axis.most < 70, name
    path = tmp_path / "p.toml"
    path.write_text(to_toml(profile()))
    assert load(path, ["damage.0.levels.within=0.5"]).damage[0].sought == find("2x", 0.5).model_copy(
        update={"find": "nll"}
    )
