"""The abilities of a run as `lesion chart` prints them: a line an ability, few charts, and when each half failed."""

import json
from pathlib import Path
from typing import Any

from tests.analysis.conftest import record
from tests.cli.conftest import Lesion

SIZES = {"petri-16k": 35_700, "petri-60k": 100_200, "petri-250k": 315_584}
HALF = {"facts": 0.4, "recall": 0.8}
"""Doses at which abilities step down, beside the noise that only perplexity hears."""


def write_run(results: Path) -> None:
    records: list[dict[str, Any]] = []
    for model, size in SIZES.items():
        healthy = {"perplexity": 3e5 / size, **{f"{label}.accuracy": 0.9 for label in HALF}}
        records.append(record(len(records), model=model, parameters=size, baseline=True, metrics=healthy))
        for group in ("attn_only", "mlp_only"):
            for level in (0.0, 0.4, 0.8, 1.2):
                left = {f"{label}.accuracy": 0.9 if level < half else 0.3 for label, half in HALF.items()}
                metrics = {"perplexity": (1 + level) * 3e5 / size, **left}
                records.append(
                    record(len(records), model=model, parameters=size, group=group, level=level, metrics=metrics)
                )
    run = results / "20261126-1000-by-hand-0000"
    run.mkdir(parents=True)
    (run / "trials.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))


def test_abilities_of_the_largest_model_then_the_scaling_on_two_screens(lesion: Lesion, tmp_path: Path) -> None:
    write_run(tmp_path)
    charted = lesion("chart", "last", "--results", str(tmp_path))
    assert charted.returncode == 0, charted.stderr
    titles = [line.strip() for line in charted.stdout.splitlines() if " · mult_gauss" in line]
    assert titles == [
        "accuracy · mult_gauss · attn_only · petri-250k",
        "accuracy · mult_gauss · mlp_only · petri-250k",
        "perplexity · mult_gauss σ 1.2",
    ]
    assert len(charted.stdout.splitlines()) <= 2 * 24 + 6  # three charts, none below fifteen lines
    assert "undamaged: ● facts 0.9, ◆ recall 0.9" in charted.stdout
    # A step from 0.9 to 0.3 over one interval of 0.4 is halfway in the middle of it.
    assert charted.stdout.count("half failed at: facts 0.2, recall 0.6") == 2
    assert "+ undamaged  -1.0000 ± 0.0000  1.0000" in charted.stdout
    assert "of all: lesion chart 20261126-1000-by-hand-0000 -m accuracy" in charted.stderr


def test_a_kind_of_metric_is_drawn_for_every_model(lesion: Lesion, tmp_path: Path) -> None:
    write_run(tmp_path)
    charted = lesion("chart", "last", "--metric", "accuracy", "--results", str(tmp_path))
    titles = [line.split(" · ") for line in charted.stdout.splitlines() if " · mult_gauss" in line]
    assert [(group, model.strip()) for _, _, group, model in titles] == [
        (group, model) for model in reversed(SIZES) for group in ("attn_only", "mlp_only")
    ]


def test_perplexity_can_still_be_asked_for(lesion: Lesion, tmp_path: Path) -> None:
    write_run(tmp_path)
    charted = lesion("chart", "last", "-m", "perplexity", "--results", str(tmp_path))
    assert "perplexity · mult_gauss · attn_only" in charted.stdout
    assert "half failed" not in charted.stdout
