"""The record of a trial, a line of trials.jsonl: which trial it was, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from engine.errors import quoted, shortened
from engine.record.fields import Fields, sparse
from engine.record.kinds import (
    Amount,
    Count,
    Figure,
    Finite,
    Flag,
    Kind,
    Places,
    Table,
    Text,
    Whole,
    anything,
    figure,
    listed,
    maybe,
    misfits,
    number,
    table,
    text,
    unusable,
)

RECORD_VERSION = 1
"""The `v` of the records that this version of Lesion writes and reads."""

_measured = maybe(figure)

STATUSES = ("ok", "failed", "oom")
Status = Literal["ok", "failed", "oom"]


def _metric(value: Any) -> float | int:
    """A measured number; a large whole one as the float nearest to it, which is what tables hold."""
    large = isinstance(value, int) and abs(value) > 2**53
    return float(value) if large or isinstance(value, bool) else number(value)


def _odd_metric(metrics: Mapping[str, Any]) -> str | None:
    return next((name for name, value in metrics.items() if not _measured(value)), None)


def _odd_choice(select: Mapping[str, Any]) -> str | None:
    return unusable(select, {"by": text}, {"text": text, "coordinates": maybe(listed(anything))}) if select else None


metrics = Kind(
    "figure by name",
    lambda value: table(value) and not misfits(_measured, value.values()),
    lambda value: {name: _metric(one) for name, one in value.items() if one is not None},
)
"""Numbers by name; one that is null was not measured and is left out."""
selection = Kind("table", lambda value: table(value) and _odd_choice(value) is None)
"""Which weights, as `engine.profile.selection.Select.identity` has it."""

Metrics = Annotated[Mapping[str, float], metrics]
Selection = Annotated[Mapping[str, Any], selection]


@dataclass(frozen=True, kw_only=True)
class StageRecord(Fields):
    """What was done to a trial's model before, or after, the damage that the trial is about."""

    method: Text
    group: Text
    layers: Places | None = None
    level: Finite
    heads: Places | None = sparse()
    experts: Places | None = sparse()
    options: Table | None = sparse()
    select: Selection | None = sparse()


@dataclass(frozen=True, kw_only=True)
class TrialRecord(Fields):
    """A finished trial. What earlier versions did not write yet is None.

    `change_pct` is, by the names of `metrics`, the change from the model's baseline in percent: above 0 the metric
    rose, below 0 it fell, None where there is no percentage (see engine.record.changes).
    """

    v: Count = RECORD_VERSION
    trial: Text
    """The key."""
    index: Count
    model: Text
    baseline: Flag
    method: Text
    group: Text | None
    layers: Places | None = None
    level: Finite | None
    seed: Whole
    heads: Places | None = sparse()
    experts: Places | None = sparse()
    options: Table | None = sparse()
    select: Selection | None = sparse()
    before: tuple[StageRecord, ...] | None = sparse()
    then: tuple[StageRecord, ...] | None = sparse()
    status: Status
    metrics: Metrics
    change_pct: Mapping[str, Figure | None] | None = None
    texts: Count | None = None
    parameters: Count | None = None
    touched: Count | None = None
    batch: Mapping[str, Count] | None = None
    seconds: Amount | None = None
    peak_bytes: Amount | None = None
    device: Text | None = None
    started: Text | None = None
    error: Text | None = None
    threads: Count | None = None
    artifacts: tuple[Text, ...] | None = sparse()
    imported: Text | None = sparse()
    """The file or folder of another program that it comes from."""

    @classmethod
    def refusal(cls, plain: Mapping[str, Any]) -> str | None:
        """What keeps a JSON object from being such a record, in words; None where nothing does."""
        if not text(plain.get("trial")):
            return "names no trial"
        if not isinstance(version := plain.get("v"), int) or version > RECORD_VERSION:
            return f"is of version {shortened(str(version))}, and this Lesion reads up to {RECORD_VERSION}"
        wrong = cls.fault(plain)
        held = plain.get(wrong or "")
        if wrong == "metrics" and isinstance(held, dict):
            return f"has a metric {quoted(_odd_metric(held))} that is no number"
        if wrong == "select" and isinstance(held, dict):
            return f"has no usable {_odd_choice(held)!r} in 'select'"
        return f"has no usable {wrong!r}" if wrong else None
