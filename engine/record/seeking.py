"""Searches for a dose, followed through what is recorded: the same trials in the same order, whenever that is done."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.profile import Search, Trial
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
        record = next((recorded[key] for key in trial.keys if key in recorded), None)
        if record is None:
            return Followed(search, undamaged, tuple(trials), tuple(records), looked, trial)
        trials.append(trial)
        records.append(record)
        values[looked.level] = _value(record, metric)


def _value(record: TrialRecord | None, metric: str) -> float | None:
    return record.metrics.get(metric) if record is not None and record.status == "ok" else None


class Seeker:
    """All searches of a run, brought on with every record that comes in."""

    def __init__(self, searches: Sequence[Search], records: Iterable[TrialRecord]) -> None:
        self._recorded = {record.trial: record for record in records} if searches else {}
        self._baselines = Baselines(self._recorded.values())
        self._followed = [self._follow(search) for search in searches]

    @property
    def followed(self) -> list[Followed]:
        """Each search, in order."""
        return list(self._followed)

    @property
    def waiting(self) -> list[Trial]:
        """The next trial of every search that has one."""
        return [one.next for one in self._followed if one.next]

    @property
    def most(self) -> int:
        """How many trials all of them may come to at most."""
        return sum(one.most for one in self._followed)

    def trials(self) -> Iterator[Trial]:
        """All that were tried, and those that come next."""
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
        for place, one in enumerate(self._followed):
            if one.next and record.trial in one.next.keys:
                self._followed[place] = self._follow(one.search)
                following.append(self._followed[place].next)
        return list(filter(None, following))

    def _follow(self, search: Search) -> Followed:
        return follow(search, self._recorded, self._baselines)
