"""The summary of a report under the attack study's names for its columns, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from engine.analysis.reports.cells import Cell, grouped, info
from engine.analysis.reports.laws import Law
from engine.analysis.reports.report import Report
from engine.analysis.statistics.summary import Summary

_Row = dict[str, Any]


def rows(report: Report) -> list[_Row]:
    """A row for each model, method, group and level: `mean_`, `std_dev_`, `min_`, `max_` and `median_` of each metric,
    and the same with `baseline_` before the metric's name of the undamaged model. `num_runs` is the number of trials
    that the first metric's numbers are of."""
    every = [cell for part in report.parts for cell in part.cells]
    undamaged = {(cell.runs, cell.model, cell.metric): cell for cell in every if cell.method == "none"}
    places = grouped(every, lambda cell: (cell.runs, cell.model, cell.params, cell.method, cell.group, cell.level))
    return [_row(report, of, undamaged) for of in places.values()]


def filtering(report: Report) -> _Row:
    """The filter, and for each metric of each model's cells how many trials it removed, which, and the statistics
    before and after."""
    choices = report.choices
    return {
        "method": choices.filter_method,
        "metric": choices.filter_metric,
        "iqr_multiplier": choices.filter_iqr_multiplier if choices.filter_method == "iqr" else None,
        "zscore_threshold": choices.filter_zscore_threshold if choices.filter_method == "zscore" else None,
        "models": []
        if choices.filter_method == "none"
        else [_filtered(cell) for p in report.parts for cell in p.cells],
    }


def laws(report: Report) -> list[_Row]:
    """Every law, under the names of the gain survey."""
    return [_law(law) for part in report.parts for law in part.laws]


def compared(report: Report) -> list[_Row]:
    """The classical tests of every comparison, under the attack study's names: of two damages Student's t, of more the
    one-way analysis of variance."""
    told = []
    for of in (one for part in report.parts for one in part.comparisons.made):
        test = of.classical or of.pairs[0].student
        where = {"metric": of.metric, "model": of.model, "level": of.level, "logarithms": of.log}
        arms = [" ".join(filter(None, [arm.method, arm.group, *arm.runs])) for arm in of.arms]
        named = {"f_statistic": test.statistic} if of.classical else {"t_statistic": test.statistic}
        kind = "anova" if of.classical else "t-test"
        told.append(
            {**where, "arms": arms, "test_type": kind, **named, "p_value": test.p, "significant": test.p < 0.05}
        )
    return told


def _row(report: Report, of: Sequence[Cell], undamaged: dict[tuple[tuple[str, ...], str, str], Cell]) -> _Row:
    first = of[0]
    row: _Row = {
        "model": first.model,
        "parameters": first.params,
        "method": first.method,
        "group": first.group,
        "level": first.level,
        "runs": list(first.runs),
        "num_runs": first.after.n,
    }
    for cell in of:
        name = _column(cell.metric)
        row |= _figures(cell.after, name)
        if (start := undamaged.get((cell.runs, cell.model, cell.metric))) is not None and start is not cell:
            row |= _figures(start.after, f"baseline_{name}")
    row |= {"filter_method": report.choices.filter_method, "filter_metric": report.choices.filter_metric}
    removed = first.filtering.removed
    return row | {"num_removed": len(removed), "removed_indices": list(removed), "removed_trials": first.removed}


def _column(metric: str) -> str:
    known = info(metric)
    return f"{metric}_pct" if known and known.unit == "%" and not metric.endswith("_pct") else metric


def _figures(of: Summary, name: str) -> _Row:
    told = {"mean": of.mean, "std_dev": of.sd, "min": of.minimum, "max": of.maximum, "median": of.median}
    return {f"{kind}_{name}": value for kind, value in told.items()} | {f"num_{name}": of.n}


def _filtered(cell: Cell) -> _Row:
    return {
        "metric": cell.metric,
        "model": cell.model,
        "method": cell.method,
        "group": cell.group,
        "level": cell.level,
        "num_removed": len(cell.removed),
        "removed_indices": list(cell.filtering.removed),
        "removed_trials": cell.removed,
        "low": cell.filtering.low,
        "high": cell.filtering.high,
        "before": asdict(cell.before),
        "after": asdict(cell.after),
        "note": cell.filtering.note,
    }


def _law(law: Law) -> _Row:
    fit = law.law
    told: _Row = {
        "metric": law.metric,
        "method": law.method,
        "group": law.group,
        "level": law.level,
        "n_models": len(law.points),
        "exponent_alpha": fit.exponent,
        "exponent_std_err": fit.stderr,
        "exponent_low": fit.low,
        "exponent_high": fit.high,
        "intercept": fit.intercept,
        "r_squared": fit.r2,
        "p_value": fit.p,
        "note": fit.note,
        "models": [asdict(point) for point in law.points],
        "predictions": law.predictions(),
    }
    if law.exponent is not None:
        told["hypothesis_test"] = {
            "hypothesized_alpha": law.exponent,
            "measured_alpha": fit.exponent,
            "difference": fit.exponent - law.exponent,
            "within_1_std_err": law.within_one_error,
            "t_statistic": law.against[0] if law.against else math.nan,
            "p_value": law.against[1] if law.against else math.nan,
        }
    return told
