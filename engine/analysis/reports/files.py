"""A report in files: the page, all of it as JSON, and the summary of the law as the published study wrote it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine import files
from engine.analysis.reports.cells import Cell
from engine.analysis.reports.laws import Law
from engine.analysis.reports.report import Report

LAW_FIELDS = (
    *("metric", "runs", "model", "parameters", "method", "group", "level", "n", "mean", "std", "min", "max", "median"),
    *("filter_method", "filter_metric", "removed", "removed_trials", "n_before", "mean_before", "std_before"),
)


def as_plain(report: Report) -> dict[str, Any]:
    """All of a report as plain data, predictions of laws among it; nan and inf are floats."""
    plain = asdict(report)
    for part, told in zip(report.parts, plain["parts"], strict=True):
        for law, known in zip(part.laws, told["laws"], strict=True):
            known["predictions"] = {name: list(values) for name, values in law.predictions().items()}
    return plain


def write(report: Report, page: str, folder: Path, to_json: Callable[[Any], str]) -> list[Path]:
    """Write report.md, report.json, scaling_law_summary.csv and .json into a folder, which is made; their paths.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "report.md": page,
        "report.json": to_json(as_plain(report)) + "\n",
        "scaling_law_summary.csv": _csv(report),
        "scaling_law_summary.json": to_json(_laws(report)) + "\n",
    }
    for name, text in contents.items():
        files.replace(folder / name, text.encode())
    return [folder / name for name in contents]


def _csv(report: Report) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, LAW_FIELDS, lineterminator="\n")
    table.writeheader()
    for part in report.parts:
        table.writerows(_row(cell, report) for cell in part.cells)
    return text.getvalue()


def _row(cell: Cell, report: Report) -> dict[str, Any]:
    """A cell under the published study's names for its columns."""
    of, before = cell.after, cell.before
    return {
        "metric": cell.metric,
        "runs": " ".join(cell.runs),
        "model": cell.model,
        "parameters": cell.params,
        "method": cell.method,
        "group": cell.group,
        "level": cell.level,
        "n": of.n,
        "mean": of.mean,
        "std": of.sd,
        "min": of.minimum,
        "max": of.maximum,
        "median": of.median,
        "filter_method": report.choices.rule,
        "filter_metric": report.choices.filter_metric or cell.metric,
        "removed": len(cell.removed),
        "removed_trials": " ".join(cell.removed),
        "n_before": before.n,
        "mean_before": before.mean,
        "std_before": before.sd,
    }


def _laws(report: Report) -> dict[str, Any]:
    return {
        "runs": report.runs,
        "filtering": {
            "method": report.choices.rule,
            "metric": report.choices.filter_metric,
            "cells": _filtering(report),
        },
        "laws": [_law(law) for part in report.parts for law in part.laws],
    }


def _filtering(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "metric": cell.metric,
            "model": cell.model,
            "method": cell.method,
            "group": cell.group,
            "level": cell.level,
            "removed": len(cell.removed),
            "indices": list(cell.filtering.removed),
            "before": asdict(cell.before),
            "after": asdict(cell.after),
            "note": cell.filtering.note,
        }
        for part in report.parts
        for cell in part.cells
        if report.choices.rule != "none"
    ]


def _law(law: Law) -> dict[str, Any]:
    known = {name: getattr(law.law, name) for name in ("exponent", "stderr", "low", "high", "r2", "p", "n", "note")}
    amplitude = 10.0**law.law.intercept if law.law.fitted and abs(law.law.intercept) < 300 else math.nan
    where = {"metric": law.metric, "method": law.method, "group": law.group, "level": law.level}
    points = [
        {"model": model, "parameters": size, "mean": mean}
        for model, size, mean in zip(law.models, law.sizes, law.means, strict=True)
    ]
    return {**where, "amplitude": amplitude, **known, "points": points, "predictions": dict(_predicted(law))}


def _predicted(law: Law) -> Iterator[tuple[str, list[float]]]:
    for name, values in law.predictions().items():
        yield name, list(values)
