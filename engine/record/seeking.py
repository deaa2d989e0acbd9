"""Trials that are not known beforehand, followed through what is recorded: the same ones in the same order, whenever
that is done. Searches add levels, cells that are to be known more closely add seeds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.profile import Repeated, Search, Trial
from engine.profile.find import Looked
from engine.record.changes import Baselines
from engine.record.trials import TrialRecord


@dataclass(frozen=True)
class Followed:
    """A search as far as records bring it: the `trials` tried, in order, with their `records`; where it stands; and the
    trial that comes next, None where it has ended."""

    search: Search
    undamaged: float | None
    trials: tuple[Trial, ...]
    records: tuple[TrialRecord, ...]
    looked: Looked
    next: Trial | None

    @property
    def most(self) -> int:
        """How many trials it may come to at most."""
        return self.search.most if self.next else len(self.trials)

    @property
    def awaited(self) -> tuple[Trial, ...]:
        """The trials whose records bring it on."""
        return (self.next,) if self.next else ()


@dataclass(frozen=True)
class Grown:
    """A cell whose seeds follow from its values: the `trials` added, in order; the `values` of all its seeds so far;
    the trial that comes next. `awaited`: those whose records bring it on."""

    repeated: Repeated
    trials: tuple[Trial, ...]
    values: tuple[float | None, ...]
    next: Trial | None
    awaited: tuple[Trial, ...]

    @property
    def most(self) -> int:
        """How many trials it may add at most."""
        return self.repeated.most if self.awaited else len(self.trials)


def follow(search: Search, recorded: Mapping[str, TrialRecord], baselines: Baselines) -> Followed:
    """Follow a search through the records by key."""
    metric, cell = search.find.find, search.cell
    undamaged = _value(baselines.at(cell.model, cell.seed), metric)
    trials: list[Trial] = []
    records: list[TrialRecord] = []
    values: dict[float, float | None] = {}
    while True:
        looked = search.look(undamaged, values)
        if looked.level is None:
            return Followed(search, undamaged, tuple(trials), tuple(records), looked, None)
        trial = search.trial(looked.level, len(trials))
        record = _recorded(trial, recorded)
        if record is None:
            return Followed(search, undamaged, tuple(trials), tuple(records), looked, trial)
        trials.append(trial)
        records.append(record)
        values[looked.level] = _value(record, metric)


def grow(repeated: Repeated, recorded: Mapping[str, TrialRecord]) -> Grown:
    """Follow a cell through the records by key."""
    until = repeated.until
    values: list[float | None] = []
    missing = tuple(trial for trial in repeated.first if _recorded(trial, recorded) is None)
    if missing:
        return Grown(repeated, (), (), None, missing)
    values += [_grown_value(repeated, _recorded(trial, recorded)) for trial in repeated.first]
    trials: list[Trial] = []
    while not until.enough(values):
        trial = repeated.trial(len(values))
        record = _recorded(trial, recorded)
        if record is None:
            return Grown(repeated, tuple(trials), tuple(values), trial, (trial,))
        trials.append(trial)
        values.append(_grown_value(repeated, record))
    return Grown(repeated, tuple(trials), tuple(values), None, ())


def _recorded(trial: Trial, recorded: Mapping[str, TrialRecord]) -> TrialRecord | None:
    return next((recorded[key] for key in trial.keys if key in recorded), None)


def _value(record: TrialRecord | None, metric: str) -> float | None:
    return record.metrics.get(metric) if record is not None and record.status == "ok" else None


def _grown_value(repeated: Repeated, record: TrialRecord | None) -> float | None:
    until = repeated.until
    if until.change and record is not None and record.status == "ok":
        return (record.change_pct or {}).get(until.plain)
    return _value(record, until.metric)


class Seeker:
    """All that adds trials to a run, brought on with every record that comes in."""

    def __init__(self, adding: Sequence[Search | Repeated], records: Iterable[TrialRecord]) -> None:
        self._recorded = {record.trial: record for record in records} if adding else {}
        self._baselines = Baselines(self._recorded.values())
        self._followed = [self._follow(one) for one in adding]
        self._awaiting: dict[str, list[int]] = {}
        for place in range(len(self._followed)):
            self._await(place)

    @property
    def followed(self) -> list[Followed]:
        """Each search, in order."""
        return [one for one in self._followed if isinstance(one, Followed)]

    @property
    def grown(self) -> list[Grown]:
        """Each cell whose seeds are added, in order."""
        return [one for one in self._followed if isinstance(one, Grown)]

    @property
    def waiting(self) -> list[Trial]:
        """The next trial of all that have one."""
        return [one.next for one in self._followed if one.next]

    @property
    def most(self) -> int:
        """How many trials all of them may come to at most."""
        return sum(one.most for one in self._followed)

    def trials(self) -> Iterator[Trial]:
        """All that were added, and those that come next."""
        for one in self._followed:
            yield from one.trials
            yield from [one.next] if one.next else []

    def take(self, record: TrialRecord) -> list[Trial]:
        """Take in a record; returns the trials that follow from it."""
        if not self._followed:
            return []
        self._recorded[record.trial] = record
        self._baselines.add(record)
        following: list[Trial | None] = []
        for place in self._awaiting.pop(record.trial, ()):
            self._followed[place] = self._follow(self._source(place))
            self._await(place)
            following.append(self._followed[place].next)
        return list(filter(None, following))

    def _source(self, place: int) -> Search | Repeated:
        one = self._followed[place]
        return one.search if isinstance(one, Followed) else one.repeated

    def _await(self, place: int) -> None:
        for trial in self._followed[place].awaited:
            for key in trial.keys:
                if place not in (places := self._awaiting.setdefault(key, [])):
                    places.append(place)

    def _follow(self, one: Search | Repeated) -> Followed | Grown:
        if isinstance(one, Search):
            return follow(one, self._recorded, self._baselines)
        return grow(one, self._recorded)
