"""A metric's change from the model's baseline: one number, the same in a trial's record and in every table."""

import math
from collections.abc import Iterable
from functools import cache

from engine import catalog
from engine.catalog.columns import metric_of
from engine.record.trials import TrialRecord


def change_pct(metric: str, value: float, baseline: float | None) -> float | None:
    """The change from the baseline in percent of the baseline's size: above 0 the metric rose, below 0 it fell.

    Whether a rise is for the worse is `better` of the metric's MetricInfo. A value of nan or inf gives that. None where
    there is no percentage: no baseline, one that is zero, not finite, or so near zero that the percentage is no number;
    and for a metric that is measured from the baseline already.
    """
    if is_change(metric) or not baseline or not math.isfinite(baseline):
        return None
    change = (value - baseline) / abs(baseline) * 100
    return change if math.isfinite(change) or not math.isfinite(value) else None


def is_change(metric: str) -> bool:
    """Whether a metric is measured from the baseline already, as a divergence is; a label may stand before its name."""
    return metric_of(metric).name in _changes()


@cache
def _changes() -> frozenset[str]:
    infos = (info for measurement in catalog.measurements().values() for info in measurement.metrics)
    return frozenset(info.name for info in infos if info.from_baseline)


class Baselines:
    """The undamaged models of one run, by model and seed."""

    def __init__(self, records: Iterable[TrialRecord] = ()) -> None:
        self._by_seed: dict[str, dict[int, TrialRecord]] = {}
        for record in records:
            self.add(record)

    def add(self, record: TrialRecord) -> None:
        """Take note of a record, where it is a baseline's. One that failed has no metrics, but it is its seed's."""
        if record.baseline:
            self._by_seed.setdefault(record.model, {}).setdefault(record.seed, record)

    def of(self, record: TrialRecord) -> TrialRecord | None:
        """The baseline of the same model and seed; where nothing draws a model has one, which is that of all seeds."""
        return self.at(record.model, record.seed)

    def at(self, model: str, seed: int) -> TrialRecord | None:
        """The same of a model and a seed."""
        known = self._by_seed.get(model, {})
        return known.get(seed) or (next(iter(known.values())) if len(known) == 1 else None)

    def changes(self, record: TrialRecord) -> dict[str, float | None]:
        """`change_pct` of each metric of a record, from its baseline."""
        undamaged = self.of(record)
        baseline = undamaged.metrics if undamaged and undamaged.status == "ok" else {}
        return {name: change_pct(name, value, baseline.get(name)) for name, value in record.metrics.items()}
