"""Comparing a run with a repetition of it, trial by trial: every number, every text and every artifact."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from engine import catalog, files
from engine.catalog.columns import metric_of
from engine.profile import Measure, Profile
from engine.profile.versions import SAMPLER, in_words, measurement, score
from engine.record.changes import is_change
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord
from engine.runs.sides import Place, Side, other_versions, read_side, reasons

TOLERANCE = 1e-4
"""Relative difference allowed between two values of a metric where equal bits cannot be expected."""

NEAR_BASELINE = 1e-6
"""Absolute difference allowed there between two values of a metric that is measured from the baseline: a divergence
near zero is all that is left of numbers that are nearly equal."""

TEXTS = 0.1
"""Share of the greedy and of the sampled texts that may differ where equal bits cannot be expected, but always one: a
token that was about as likely as another flips by rounding, and all that follows it is another text."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same. `what`: a metric, "status", "text 3", an artifact, …, or "trial" where one run
    lacks it."""

    trial: str
    what: str
    original: Any
    replayed: Any


@dataclass(frozen=True)
class Comparison:
    """What came out of a comparison.

    Attributes:
        equal: no differences.
        exact_expected: everything that decides the last bits was the same, so metrics and artifacts were compared bit
            for bit; if not, metrics within the relative TOLERANCE or NEAR_BASELINE, of artifacts only which there are,
            and of texts how many are equal, see TEXTS.
        reasons: what was not the same, as sentences; empty when exact_expected.
        allowances: what was not compared, or differs without counting as a difference, as sentences.
        trials, texts: how many were compared.
    """

    equal: bool
    exact_expected: bool
    reasons: list[str]
    differences: list[Difference]
    trials: int
    texts: int
    allowances: list[str] = field(default_factory=list)


def verify(original: Path, replayed: Path) -> Comparison:
    """Compare two runs of the same profile. Times and memory, which never repeat, are left out.

    Raises LesionError when either run cannot be read.
    """
    first, second = read_side(original), read_side(replayed)
    why = list(reasons(first, second))
    missing = [(first, place, ("recorded", "missing")) for place in first.trials if place not in second.trials]
    missing += [(second, place, ("missing", "recorded")) for place in second.trials if place not in first.trials]
    differences = [Difference(side.trials[place].trial, "trial", *how) for side, place, how in missing]
    judge = _Judge(first, second, exact=not why)
    for place in first.trials:
        if place in second.trials:
            differences += judge.trial(place)
    differences += judge.texts()
    why += judge.versions()
    return Comparison(
        not differences, not why, why, differences, judge.compared, judge.texts_compared, judge.allowances()
    )


class _Judge:
    """Compares trials one by one and keeps count of what is allowed for."""

    def __init__(self, first: Side, second: Side, *, exact: bool) -> None:
        self._first = first
        self._second = second
        self._others = other_versions(first, second)
        self._exact = exact and not self._others
        self._texts: dict[bool, list[Difference]] = {False: [], True: []}
        """Texts that differ, of greedy and of sampled ones."""
        self._seen: Counter[bool] = Counter()
        self._excused_values = 0
        """Numbers and texts that something of another version made."""
        self._apart: Counter[str] = Counter()
        """Those of them that differ, by what made them."""
        self._passed = 0
        self.compared = 0
        self.texts_compared = 0

    def trial(self, place: Place) -> Iterator[Difference]:
        """What differs between the two records of a trial, apart from its texts."""
        first, second = self._first.trials[place], self._second.trials[place]
        self.compared += 1
        chosen_by = score((first.select or {}).get("score", ""))
        parted = self._compare_texts(first, second, chosen_by)
        for name in ("status", "touched", "parameters", "texts"):
            if (one := getattr(first, name)) != (other := getattr(second, name)):
                yield Difference(first.trial, name, one, other)
        for name in dict.fromkeys([*first.metrics, *second.metrics]):
            one, other = first.metrics.get(name), second.metrics.get(name)
            spec = _owner(name, self._first.profile)
            if _is_time(name) or id(spec) in parted or self._is_apart(spec):
                continue
            same = _same(one, other, self._exact, NEAR_BASELINE if is_change(name) else 0.0)
            if not self._excused(spec, chosen_by, same) and not same:
                yield Difference(first.trial, name, one, other)
        yield from self._artifacts(first, second)

    def texts(self) -> list[Difference]:
        """The texts that differ, of a kind of which more do than may."""
        differences = []
        for sampled, different in self._texts.items():
            if self._exact or len(different) > self._most(sampled):
                differences += different
        return differences

    def versions(self) -> list[str]:
        """The sentence about what makes numbers and is of another version, where anything is."""
        if not self._others:
            return []
        before, now = ({what: side.version(what) for what in self._others} for side in (self._first, self._second))
        return [f"what makes numbers has other versions than in {self._first.run.name}, {in_words(before, now)}"]

    def allowances(self) -> list[str]:
        """See Comparison."""
        said = []
        if self._passed:
            said.append(
                f"{self._passed} sampled texts and the metrics made of them are not compared: the sampler differs"
            )
        if self._excused_values:
            apart = sum(self._apart.values())
            agree = f"of {self._excused_values} values that other versions made, {self._excused_values - apart} agree"
            where = ", ".join(f"{count} of the {what}" for what, count in self._apart.items())
            said.append(f"{agree} within {TOLERANCE:g}" + (f"; the others do not count: {where}" if apart else ""))
        for sampled, different in self._texts.items():
            if different and not self._exact:
                kind = "sampled" if sampled else "greedy"
                ratio = f"{len(different)} of {self._seen[sampled]} {kind} texts differ"
                said.append(f"{ratio}; {self._most(sampled)} may, where tokens about as likely flip by rounding")
        return said

    def _is_apart(self, spec: Measure | None) -> bool:
        """Whether a measurement's texts were drawn by another sampler, and cannot be compared."""
        return bool(spec and spec.sampled and SAMPLER in self._others)

    def _made_by(self, spec: Measure | None, chosen_by: str) -> list[str]:
        """What is of another version among what makes a measurement's numbers, in a trial whose weights are `chosen_by`
        a score."""
        used = [measurement(spec.name), *map(score, spec.ranked_by)] if spec else []
        return [what for what in (*used, chosen_by) if what in self._others]

    def _excused(self, spec: Measure | None, chosen_by: str, same: bool) -> bool:
        """Whether a value is made by something of another version, which is noted."""
        made_by = self._made_by(spec, chosen_by)
        self._excused_values += bool(made_by)
        self._apart.update(made_by[:1] if not same else ())
        return bool(made_by)

    def _most(self, sampled: bool) -> int:
        """How many texts may differ."""
        return max(1, int(TEXTS * self._seen[sampled]))

    def _compare_texts(self, first: TrialRecord, second: TrialRecord, chosen_by: str) -> set[int]:
        """Notes the texts of a trial that differ; returns the measurements whose metrics of it cannot be compared, as
        their texts differ, by id."""
        parted: set[int] = set()
        texts, others = self._first.texts.get(first.trial, []), self._second.texts.get(second.trial, [])
        for one, other in zip(texts, others, strict=False):
            spec = _writer(one, self._first.profile)
            if self._is_apart(spec):
                self._passed += 1
                continue
            self.texts_compared += 1
            same = (one.prompt, one.text) == (other.prompt, other.text)
            parted |= set() if same or self._exact else {id(spec)}
            if self._excused(spec, chosen_by, same):
                continue
            sampled = bool(spec and spec.sampled)
            self._seen[sampled] += 1
            if not same:
                what = f"{_label(one)} text {one.index}"
                self._texts[sampled].append(Difference(first.trial, what, one.text, other.text))
        return parted

    def _artifacts(self, first: TrialRecord, second: TrialRecord) -> Iterator[Difference]:
        """A record without them is one of a trial that left none, or of a version that noted none."""
        if first.artifacts is None or second.artifacts is None:
            return
        if _named(first.artifacts, first.trial) != _named(second.artifacts, second.trial):
            yield Difference(first.trial, "artifacts", list(first.artifacts), list(second.artifacts))
            return
        for name, other in zip(first.artifacts, second.artifacts, strict=True) if self._exact else ():
            digest, other_digest = _digest(self._first.run, name), _digest(self._second.run, other)
            if digest != other_digest:
                yield Difference(first.trial, name, digest, other_digest)


def _named(artifacts: Iterable[str], trial: str) -> list[str]:
    """The names of a trial's artifacts without its key, which stands in them."""
    return [name.replace(trial, "") for name in artifacts]


def _digest(run: Path, name: str) -> str:
    try:
        return f"sha256 {hashlib.sha256(files.read_bytes(run / name, below=run)).hexdigest()[:16]}"
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _same(first: Any, second: Any, exact: bool, margin: float) -> bool:
    if not isinstance(first, float | int) or not isinstance(second, float | int):
        return bool(first == second)
    if exact or not (math.isfinite(first) and math.isfinite(second)):
        return repr(float(first)) == repr(float(second))
    return abs(first - second) <= max(margin, TOLERANCE * max(abs(first), abs(second)))


def _is_time(metric: str) -> bool:
    """Whether a metric is a duration. A label stands before the last dot."""
    infos = (info for kind in catalog.measurements().values() for info in kind.metrics)
    return metric_of(metric).name in {info.name for info in infos if info.unit == "s"}


def _owner(metric: str, profile: Profile) -> Measure | None:
    """The measurement that a metric is of: the one whose label stands before it, or one without a label."""
    labelled = [spec for spec in profile.measure if spec.label and metric.startswith(f"{spec.label}.")]
    plain = metric_of(metric).name
    for spec in labelled or [spec for spec in profile.measure if not spec.label]:
        if any(fnmatchcase(plain, info.name) for info in catalog.measurement(spec.name).metrics):
            return spec
    return None


def _writer(text: TextRecord, profile: Profile) -> Measure | None:
    """The measurement that wrote a text."""
    return next((one for one in profile.measure if (one.name, one.label) == (text.measurement, text.label)), None)


def _label(text: TextRecord) -> str:
    return str(text.label or text.measurement)
