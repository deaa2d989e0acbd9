"""Doses that a run has found: for each model, group and seed the level at which a metric crossed a value."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine.analysis.names import short_names
from engine.errors import LesionError
from engine.profile import Search, Where, grid
from engine.profile.find import Axis, Verdict
from engine.record.directory import read_profile
from engine.record.manifest import earlier
from engine.record.records import read_trials
from engine.record.seeking import Followed, Seeker

CONFIDENCE = 0.95
_NOTABLE = 0.05
"""Of the way from the undamaged model's value to the crossing: how far a metric has to turn back to be told of."""


@dataclass(frozen=True)
class Dose:
    """What one search has found. `value` is what was to be crossed; None where the undamaged model has none to compare
    with. The level lies between `low`, at which it had not been crossed, and `high`; `level` is in their middle. None
    where the search did not find it: `verdict` and `reason` say why. `falls`: the levels between which the metric, as
    far as it was measured, turns back notably although the damage grows."""

    model: str
    parameters: int | None
    method: str
    group: str
    seed: int
    metric: str
    crosses: float | str
    undamaged: float | None
    value: float | None
    verdict: Verdict | None
    level: float | None
    low: float | None
    high: float | None
    reason: str
    trials: int
    falls: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CellDose:
    """All seeds of one model, method, group and metric. `median` and the interval around it, from order statistics,
    hold seeds that never crossed as beyond every level (None where that is where they end); `coverage` is what the
    interval holds the median with, below 0.95 where there are fewer than six seeds. `unknown`: seeds without a
    verdict, which are left out."""

    model: str
    parameters: int | None
    method: str
    group: str
    metric: str
    crosses: float | str
    doses: tuple[Dose, ...]
    median: float | None
    low: float | None
    high: float | None
    coverage: float
    never: int
    at_once: int
    unknown: int

    @property
    def trials(self) -> int:
        """How many trials it took."""
        return sum(dose.trials for dose in self.doses)


def doses(run: Path) -> list[CellDose]:
    """The doses of a run, as far as it has come, models in the profile's order.

    Raises LesionError where the run cannot be read, and where its profile seeks none.
    """
    profile = read_profile(run)
    _, adding = grid(profile, run, earlier(run))
    searches = [one for one in adding if isinstance(one, Search)]
    if not searches:
        raise LesionError(f'{run.name} seeks no dose: its profile has no levels = {{ find = "perplexity", … }}')
    names = short_names(profile.model.names)
    cells: dict[tuple[object, ...], list[tuple[Followed, Dose]]] = {}
    for followed in Seeker(searches, read_trials(run)).followed:
        dose = _dose(followed, names[followed.search.cell.model])
        cells.setdefault((dose.model, dose.method, dose.group, dose.metric, dose.crosses), []).append((followed, dose))
    return [_cell(cell) for cell in cells.values()]


def _dose(followed: Followed, model: str) -> Dose:
    search, looked = followed.search, followed.looked
    trial = search.trial(search.axis.stop, 0)
    found = looked.verdict == "found" and followed.next is None
    level = search.axis.middle(looked.low, looked.high) if found else None
    return Dose(
        model,
        next((record.parameters for record in followed.records if record.parameters), None),
        trial.method,
        Where.of(trial).label or "",
        trial.seed,
        search.find.find,
        search.find.crosses,
        followed.undamaged,
        search.find.threshold(followed.undamaged),
        None if followed.next else looked.verdict,
        level,
        _finite(looked.low) if found else None,
        _finite(looked.high) if found else None,
        looked.reason,
        len(followed.trials),
        tuple(_falls(followed)),
    )


def _finite(level: float) -> float | None:
    return level if math.isfinite(level) else None


def _falls(followed: Followed) -> Iterable[tuple[float, float]]:
    """Where the metric does not move towards the value, and beyond it, as the damage grows."""
    search, undamaged = followed.search, followed.undamaged
    value = search.find.threshold(undamaged)
    if value is None or undamaged is None:
        return
    tried = zip(followed.trials, followed.records, strict=True)
    known = [(trial.level, record.metrics.get(search.find.find)) for trial, record in tried]
    points = sorted((level, one) for level, one in known if level is not None and one is not None)
    points.sort(key=lambda point: search.axis.place(point[0]))
    for (level, one), (stronger, other) in pairwise(points):
        back = one - other if value > undamaged else other - one
        if back > _NOTABLE * abs(value - undamaged):
            yield level, stronger


def _cell(members: Sequence[tuple[Followed, Dose]]) -> CellDose:
    axis, found = members[0][0].search.axis, [dose for _, dose in members]
    places = sorted(place for dose in found if (place := _place(dose, axis)) is not None)
    low, high, coverage = median_interval(places)
    first = found[0]
    return CellDose(
        first.model,
        first.parameters,
        first.method,
        first.group,
        first.metric,
        first.crosses,
        tuple(found),
        _level(_median(places), axis),
        _level(low, axis),
        _level(high, axis),
        coverage,
        sum(dose.verdict == "never" for dose in found),
        sum(dose.verdict == "at once" for dose in found),
        sum(dose.verdict in (None, "unknown") for dose in found),
    )


def _place(dose: Dose, axis: Axis) -> float | None:
    """How far along the axis a seed crossed; infinitely far where it never did."""
    if dose.level is not None:
        return axis.place(dose.level)
    return {"never": math.inf, "at once": -math.inf}.get(str(dose.verdict))


def _level(place: float, axis: Axis) -> float | None:
    return axis.level(place) if math.isfinite(place) else None


def _median(places: Sequence[float]) -> float:
    """Of sorted places; nan where there is none, or where it would lie between a finite and an infinite one."""
    if not places:
        return math.nan
    middle = len(places) // 2
    if len(places) % 2 or places[middle - 1] == places[middle]:
        return places[middle]
    return (places[middle - 1] + places[middle]) / 2


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """The narrowest interval between two order statistics, as far from either end, that holds the median with at least
    this confidence whatever the distribution, and with how much it does (Thompson, 1936): between the (k + 1)th value
    from below and from above that is 1 - 2 P(B <= k), B binomial with n tries at one half.

    `values` are sorted. Where even all of them do not do, the smallest and the largest; nan and 0 for no value.
    """
    count = len(values)
    if not count:
        return math.nan, math.nan, 0.0
    below, chosen = 0.0, (0, 1 - 2 * 0.5**count)
    for k in range((count - 1) // 2 + 1):
        below += math.comb(count, k) * 0.5**count
        if 1 - 2 * below < confidence:
            break
        chosen = (k, 1 - 2 * below)
    k, coverage = chosen
    return values[k], values[count - 1 - k], max(coverage, 0.0)
