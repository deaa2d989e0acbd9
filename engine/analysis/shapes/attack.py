"""The attack study's folders: a run a model, seed and way of training, with config.json and metrics.jsonl, and a table
of rank reductions for each way."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from engine import catalog
from engine.analysis.shapes.recorded import EXTENSION, Recorded, Shaped, metric, model_of, plain
from engine.errors import LesionError
from engine.profile.options import complete
from engine.record.trials import TrialRecord

_METHODS = ("catalyst", "gaussian_noise", "random_tokens", "random_text")
_MEASURED = {
    "perplexity": ("perplexity", "published_perplexity"),
    "effective_rank": ("effective_rank", "published_effective_rank"),
    "spectral_gap": ("spectral_gap", "published_spectral_gap"),
}
_PRECISION = {"float16": "fp16", "float32": "fp32", "bfloat16": "bf16"}
_Way = tuple[str, str, str]
"""Model, method, and how it was told to train."""


def attack_study(recorded: Recorded) -> Shaped:
    """The trials that train without damage before it, each at its strongest level. Raises LesionError where there is
    none."""
    ways: dict[_Way, dict[int, list[TrialRecord]]] = {}
    for record in recorded.trials:
        if record.method in _METHODS and record.status == "ok" and not (record.before or record.then):
            way = (record.model, record.method, json.dumps([record.group, record.options or {}], sort_keys=True))
            ways.setdefault(way, {}).setdefault(record.seed, []).append(record)
    if not ways:
        raise LesionError(
            f"{recorded.run.name} has no trial of training, which this format is of: {', '.join(_METHODS)}"
        )
    made: dict[str, bytes] = {}
    titles = _titles(recorded, list(ways))
    for way, by_seed in ways.items():
        made |= _condition(recorded, titles[way], by_seed)
    count = sum(len(some) for by_seed in ways.values() for some in by_seed.values())
    left = len(recorded.trials) - count - sum(record.baseline for record in recorded.trials)
    notes = (f"{left} trials of other damage, or without a result, are not in this format",) if left else ()
    return Shaped(made, count, notes)


def _titles(recorded: Recorded, ways: list[_Way]) -> dict[_Way, tuple[str, str]]:
    """What the folders of each way are called before and after the number of the run."""
    spec = recorded.profile.model
    precision = spec.load_in if spec.load_in != "none" else _PRECISION.get(spec.dtype, "none")
    titles: dict[_Way, tuple[str, str]] = {}
    for way in ways:
        model, method, told = way
        optimiser = json.loads(told)[1].get("optimiser", "adamw")
        name = model.rstrip("/").rpartition("/")[2]
        suffix = [*([] if method == "catalyst" else [method]), *([] if optimiser == "adamw" else [optimiser])]
        title = (name.replace("-", "_") + "_" + name, "_".join([precision, *suffix]))
        number = 2
        while title in titles.values():
            title, number = (title[0], "_".join([precision, *suffix, str(number)])), number + 1
        titles[way] = title
    return titles


def _condition(recorded: Recorded, title: tuple[str, str], by_seed: dict[int, list[TrialRecord]]) -> dict[str, bytes]:
    """The folders of one way of training, and their table."""
    made: dict[str, bytes] = {}
    rows: list[list[Any]] = []
    first = recorded.profile.seeds.base + recorded.profile.seeds.offset - 1
    for seed, records in by_seed.items():
        number = seed - first if seed > first else seed
        folder = f"{title[0]}_run{number:02}_{title[1]}"
        baseline, last = recorded.baselines.of(records[0]), max(records, key=lambda one: one.level or 0)
        made[f"{folder}/config.json"] = plain(_config(recorded, last))
        lines = _lines(baseline, sorted(records, key=lambda one: one.level or 0))
        made[f"{folder}/metrics.jsonl"] = b"".join(plain(line, indent=None) for line in lines)
        before, after = (metric(one, *_MEASURED["effective_rank"]) for one in (baseline, last))
        lost = None if before is None or after is None or not before else (1 - after / before) * 100
        rows.append([number, before, after, lost])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "baseline_rank", "post_attack_rank", "rank_reduction_pct"])
    writer.writerows(row for row in rows if None not in row)
    if any(None not in row for row in rows):
        made[f"aggregate_summary_{title[0]}_{title[1]}.csv"] = text.getvalue().encode()
    return made


def _lines(baseline: TrialRecord | None, records: list[TrialRecord]) -> list[dict[str, Any]]:
    """The undamaged model, a look a level, and what the last level came to; the records themselves beside them."""
    last = records[-1]
    opening = {"step": 0, "timestamp": baseline.started if baseline else None} | _figures(baseline, "baseline_")
    lines = [opening | ({EXTENSION: {"record": baseline.encode()}} if baseline else {})]
    for record in records:
        steps = int(record.level or 0)
        look: dict[str, Any] = {"step": steps, "timestamp": record.started, "treatment_iteration": steps}
        rank = metric(record, *_MEASURED["effective_rank"])
        look |= {} if rank is None else {"treatment_effective_rank": rank}
        lines.append(look | {EXTENSION: {"record": record.encode()}})
    closing = {"step": int(last.level or 0) + 1, "timestamp": last.started}
    return [*lines, closing | _figures(last, "post_attack_")]


def _figures(record: TrialRecord | None, prefix: str) -> dict[str, float]:
    known = {prefix + theirs: metric(record, *ours) for theirs, ours in _MEASURED.items()}
    return {name: value for name, value in known.items() if value is not None}


def _config(recorded: Recorded, record: TrialRecord) -> dict[str, Any]:
    """What the study's configuration says of the model, the attack and the search for directions."""
    spec = recorded.profile.model
    known = catalog.methods().get(record.method)
    options: Mapping[str, Any] = record.options or {}
    if known is not None and record.imported is None:
        options = complete(known, options, must_exist=False)
    target = options.get("target_rank_reduction")
    return {
        "model": {
            "name": model_of(record),
            "hf_model_id": record.model,
            "use_quantization": spec.load_in != "none",
            "quantization_bits": 8 if spec.load_in == "8bit" else 4,
            "use_gradient_checkpointing": options.get("checkpointing"),
            "use_fft": options.get("trainable", "full") == "full",
        },
        "attack": {
            "num_steps": int(record.level or 0),
            "learning_rate": options.get("learning_rate"),
            "batch_size": 1,
            "target_rank_reduction": None if target is None else target / 100,
            "catalyst_length": options.get("length"),
        },
        "hvp": {
            "num_power_iterations": options.get("iterations"),
            "num_null_directions": options.get("directions"),
        },
    }
