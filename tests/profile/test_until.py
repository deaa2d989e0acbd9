"""Seeds until a mean is known closely: the rule, what it costs in coverage, and what is refused."""

import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from engine.errors import LesionError
from engine.profile import Profile, Repeated, grid, parse, to_toml
from engine.profile.until import Until, half_width

PROFILE: dict[str, Any] = {
    "name": "p",
    "model": {"names": ["petri-4k"]},
    "damage": [{"method": "mult_gauss", "groups": ["attn_only"], "levels": [0.1, 0.2]}],
    "seeds": {"count": 3, "until": {"metric": "nll_change_pct", "half_width": "10%", "at_most": 8}},
    "measure": [{"name": "perplexity"}],
}


def until(**changes: Any) -> Until:
    return Until.model_validate({**PROFILE["seeds"]["until"], **changes})


def profile(count: int = 3, **changes: Any) -> Profile:
    given = {key: value for key, value in {**PROFILE["seeds"]["until"], **changes}.items() if value is not None}
    return parse({**PROFILE, "seeds": {"count": count, "until": given}}, "p.toml", Path())


@pytest.mark.parametrize("count", [2, 3, 7, 40])
def test_the_interval_is_students(count: int) -> None:
    values = np.random.default_rng(count).lognormal(size=count)
    low, high = stats.t.interval(0.95, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert half_width(list(values)) == pytest.approx((high - low) / 2, rel=1e-9)


def test_when_it_is_enough() -> None:
    assert until().enough([1.0, 1.01, 0.99])
    assert not until().enough([1.0, 2.0, 3.0])
    assert until(half_width=5.0).enough([1.0, 2.0, 3.0])
    assert not until().enough([1.0])
    assert not until().enough([1.0, 1.0, math.nan])  # a seed that broke leaves no interval
    assert not until().enough([1.0, 1.0, None])
    assert until().enough([None] * 8)
    assert until().enough([-1.0, -1.01, -0.99])  # a share of the mean's size


@pytest.mark.parametrize(("fewest", "low", "high"), [(2, 0.86, 0.91), (5, 0.91, 0.94), (10, 0.925, 0.95)])
def test_what_stopping_does_to_the_coverage(fewest: int, low: float, high: float) -> None:
    """Of simulated noisy cells: what the card says."""
    rule, rng = until(half_width="10%", at_most=40), np.random.default_rng(1)
    cells = 1500
    hits = 0.0
    for _ in range(cells):
        values: list[float | None] = list(rng.normal(1, 0.2, fewest))
        while not rule.enough(values):
            values.append(float(rng.normal(1, 0.2)))
        found = [value for value in values if value is not None]
        hits += float(abs(np.mean(found) - 1) <= half_width(found))
    assert low < hits / cells < high


def test_it_reads_back_and_is_counted() -> None:
    made = profile()
    assert parse(tomllib.loads(to_toml(made)), "p.toml", Path()) == made
    known, added = grid(made)
    assert (len(known), len(added), made.trial_count) == (1 + 2 * 3, 2, 1 + 2 * 8)
    indexes = [trial.index for trial in known]
    for one in added:
        assert isinstance(one, Repeated)
        assert [one.trial(number) for number in range(3)] == list(one.first)
        indexes += [one.trial(number).index for number in range(3, 8)]
        assert [one.trial(number).seed for number in range(8)] == list(range(42, 50))
    assert sorted(indexes) == list(range(made.trial_count))
    listed = parse({**PROFILE, "seeds": {"count": 8}}, "p.toml", Path())
    assert {one.trial(number).key for one in added if isinstance(one, Repeated) for number in range(8)} < {
        trial.key for trial in grid(listed)[0]
    }


@pytest.mark.parametrize(
    ("count", "changes", "field", "sentence"),
    [
        (1, {}, "seeds.count", "give count = 2 or more"),
        (8, {}, "seeds.until.at_most", "must be more than seeds.count, which is 8"),
        (3, {"at_most": 2}, "seeds.until.at_most", "must be at least 3"),
        (3, {"half_width": "ten"}, "seeds.until.half_width", 'such as "10%"'),
        (3, {"half_width": 0}, "seeds.until.half_width", "must be a number above 0"),
        (3, {"half_width": "0%"}, "seeds.until.half_width", "is no half width"),
        (3, {"metric": "nl_change_pct"}, "seeds.until.metric", "did you mean 'nll'?"),
        (3, {"metric": None}, "seeds.until.metric", "this key is required"),
    ],
)
def test_what_is_wrong_is_one_sentence(count: int, changes: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(LesionError) as raised:
        profile(count, **changes)
    assert raised.value.field == field
    assert sentence in str(raised.value)
