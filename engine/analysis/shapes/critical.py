"""The critical-weight study's tables: weights in the order of their scores, and what masking them did."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from engine.analysis.shapes.recorded import EXTENSION, Recorded, Shaped, metric, model_of, plain
from engine.errors import LesionError
from engine.record.findings import Sheet, as_csv
from engine.record.kinds import number
from engine.record.trials import TrialRecord

_COLUMNS = (
    "metric",
    "topk",
    "mask_ratio",
    "weights_masked",
    "baseline_ppl",
    "perturbed_ppl",
    "ppl_increase",
    "ppl_ratio",
)
_PERPLEXITY = ("perplexity", "published_perplexity_by_length")
_FIGURES = {"mean": "mean", "std": "std", "smallest": "min", "largest": "max"}


def perturbation_csv(recorded: Recorded) -> Shaped:
    """A row for each trial that masks the weights of highest score. Raises LesionError where there is none."""
    rows = [(record, _row(recorded, record)) for record in recorded.trials if _is_masked(record)]
    if not rows:
        text = f"{recorded.run.name} has no trial that masks the weights of highest score, which this format is of"
        raise LesionError(f'{text}: method = "mask" with select.by = "top_k"')
    left = len(recorded.trials) - len(rows) - sum(record.baseline for record in recorded.trials)
    notes = (f"{left} trials of other damage are not in this format",) if left else ()
    return Shaped({"perturbation_results.csv": _table(recorded, rows)}, len(rows), notes)


def _is_masked(record: TrialRecord) -> bool:
    select = record.select or {}
    return record.method == "mask" and select.get("by") == "top_k" and isinstance(select.get("k"), int)


def _row(recorded: Recorded, record: TrialRecord) -> list[Any]:
    select, baseline = record.select or {}, metric(recorded.baselines.of(record), *_PERPLEXITY)
    after = metric(record, *_PERPLEXITY)
    known = None not in (baseline, after)
    gone = after - baseline if known else None  # type: ignore[operator]
    ratio = after / baseline if known and baseline else None  # type: ignore[operator]
    if record.imported is not None:
        gone, ratio = metric(record, "published_ppl_increase"), metric(record, "published_ppl_ratio")
    return [select.get("score"), select["k"], record.level, record.touched, baseline, after, gone, ratio]


def _table(recorded: Recorded, rows: Sequence[tuple[TrialRecord, list[Any]]]) -> bytes:
    """Where a trial of ours is among them, its record stands in a column more, with its baseline's the first time."""
    ours = any(_is_ours(record) for record, _ in rows)
    told: set[str] = set()
    cells = []
    for record, row in rows:
        if ours:
            row = [*row, _kept(recorded, record, told) if _is_ours(record) else None]
        cells.append(row)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *([EXTENSION] if ours else [])])
    writer.writerows(cells)
    return text.getvalue().encode()


def _is_ours(record: TrialRecord) -> bool:
    return record.imported is None or "perplexity" in record.metrics


def _kept(recorded: Recorded, record: TrialRecord, told: set[str]) -> str:
    baseline = recorded.baselines.of(record)
    kept: dict[str, Any] = {"record": record.encode()}
    if baseline is not None and baseline.trial not in told:
        told.add(baseline.trial)
        kept["baseline"] = baseline.encode()
    return json.dumps(kept, separators=(",", ":"))


def ranked_csv(recorded: Recorded) -> Shaped:
    """The rankings of every undamaged model that was ranked, with statistics, configuration, summary and what masking
    did; a folder a model where there are several. Raises LesionError where there is none."""
    ranked: dict[str, tuple[TrialRecord, dict[str, Sheet]]] = {}
    for record in recorded.trials:
        if record.baseline and record.model not in ranked and (sheets := _rankings(recorded, record)):
            ranked[record.model] = record, sheets
    if not ranked:
        raise LesionError(f"{recorded.run.name} has no ranking: it is what the measurement ranking leaves")
    names = Counter(model_of(record) for record, _ in ranked.values())
    made: dict[str, bytes] = {}
    for record, sheets in ranked.values():
        own = model_of(record) if names[model_of(record)] == 1 else record.model.strip("/").replace("/", "_")
        folder = f"{own}/" if len(ranked) > 1 else ""
        made |= {f"{folder}{name}": content for name, content in _folder(recorded, record, sheets).items()}
    count = sum(len(sheet.rows) for _, sheets in ranked.values() for sheet in sheets.values())
    return Shaped(made, count, ("trials of other damage than masking are not in this format",))


def _rankings(recorded: Recorded, record: TrialRecord) -> dict[str, Sheet]:
    """By score, the columns of the study and two more."""
    found = {}
    for name in record.artifacts or ():
        _, mark, score = name.rpartition("/")[2].partition("-ranking-")
        if not mark or not score.endswith(".csv") or score in ("layers.csv", "overlap.csv"):
            continue
        rows = list(csv.DictReader(io.StringIO(recorded.text(name))))
        columns = ("rank", "parameter", "indices", "score", "weight", "kind")
        if rows and set(columns) <= rows[0].keys():
            cells = [[row[column] for column in columns] for row in rows]
            found[score.removesuffix(".csv")] = Sheet(
                ("rank", "layer", "indices", "sensitivity", "weight", "kind"), cells
            )
    return found


def _folder(recorded: Recorded, record: TrialRecord, sheets: dict[str, Sheet]) -> dict[str, bytes]:
    masked = [one for one in recorded.trials if _is_masked(one) and one.model == record.model]
    most = max(len(sheet.rows) for sheet in sheets.values())
    config = {
        "model": record.model,
        "dtype": recorded.profile.model.dtype,
        "metrics": list(sheets),
        "topk": most,
        "seeds": str(record.seed),
        EXTENSION: {"record": record.encode(), "ranking": recorded.artifact(record, "ranking")},
    }
    rows = [(one, _row(recorded, one)) for one in masked]
    rises = [row[6] for _, row in rows if row[6] is not None and math.isfinite(row[6])]
    summary = {
        "model_name": record.model,
        "baseline_perplexity": metric(record, *_PERPLEXITY),
        "num_parameters": record.parameters,
        "experiments_completed": len(rows),
        "max_ppl_increase": max(rises, default=None),
    }
    made = {f"top_{len(sheet.rows)}_weights_{score}.csv": as_csv(sheet).encode() for score, sheet in sheets.items()}
    made |= {"config.json": plain(config), "sensitivity_statistics.json": plain(_statistics(recorded, record))}
    made["experiment_summary.json"] = plain({key: value for key, value in summary.items() if value is not None})
    return made | ({"perturbation_results.csv": _table(recorded, rows)} if rows else {})


def _statistics(recorded: Recorded, record: TrialRecord) -> dict[str, Any]:
    """By score and parameter, under the study's names."""
    scores = recorded.artifact(record, "ranking").get("scores")
    found: dict[str, Any] = {}
    for score, held in scores.items() if isinstance(scores, dict) else ():
        found[score] = {
            one["parameter"]: {theirs: number(one[ours]) for ours, theirs in _FIGURES.items() if ours in one}
            | {"num_weights": one.get("weights")}
            for one in held.get("parameters", [])
        }
    return found
