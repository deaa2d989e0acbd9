"""The card of a run: every number of it is the run's, held against the journal by numpy."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.analysis.card import card
from engine.analysis.card_text import markdown, paragraph
from engine.errors import LesionError
from engine.runs import read_trials


def test_findings_are_means_of_the_journal(finished_run: Path) -> None:
    made = card(finished_run, ["nll", "perplexity"])
    records = read_trials(finished_run)
    assert len(made.findings) == 2 * 2 * 3  # metrics, models, undamaged and two levels
    for finding in made.findings:
        cell = [
            one
            for one in records
            if (one.model, one.method, one.level) == (finding.model, finding.method, finding.level)
        ]
        values = np.array([one.metrics[finding.metric] for one in cell])
        assert (finding.value.n, finding.missing) == (2, 0)
        assert finding.value.mean == pytest.approx(values.mean(), rel=1e-12)
        assert finding.value.sd == pytest.approx(values.std(ddof=1), rel=1e-9, abs=1e-12)
        changes = [(one.change_pct or {})[finding.metric] for one in cell]
        if finding.method == "none":
            assert finding.change is None
        else:
            assert finding.change is not None
            assert finding.change.mean == pytest.approx(np.mean([one for one in changes if one is not None]), rel=1e-12)


def test_the_paragraph_and_the_table_say_it_all(finished_run: Path) -> None:
    made = card(finished_run)
    told = paragraph(made)
    manifest = json.loads((finished_run / "manifest.json").read_text())
    for part in (
        "We damaged 2 language models: `petri-16k` (",
        manifest["models"]["petri-60k"]["digest"][:12],
        "`mult_gauss` (every weight is multiplied",
        "was done to `attn_only` at σ = 0 and 0.5.",
        "with 2 seeds, 42 to 43",
        "`perplexity` (text petri, documents 4",
        "`generation` (prompts petri",
        "12 trials were run, undamaged ones among them, and all gave a result.",
        f"torch {manifest['packages']['torch']}",
        f"run `{finished_run.name}`",
    ):
        assert part in told, part
    rows = [line for line in markdown(made).splitlines() if line.startswith("| `petri")]
    assert len(rows) == 6
    assert all(len(re.split(r"(?<!\\)\|", row)) == 11 for row in rows)


def test_what_failed_and_what_is_not_finite_is_counted(finished_run: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(finished_run, broken)
    lines = [json.loads(line) for line in (broken / "trials.jsonl").read_text().splitlines()]
    dosed = [line for line in lines if line["model"] == "petri-16k" and line["level"] == 0.5]
    dosed[0]["metrics"]["perplexity"] = "inf"
    dosed[1] |= {"status": "oom", "metrics": {}, "change_pct": {}, "error": "out of memory"}
    (broken / "trials.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    made = card(broken)
    [finding] = [one for one in made.findings if (one.model, one.level) == ("petri-16k", 0.5)]
    assert (finding.value.n, finding.value.nonfinite, finding.missing) == (0, 1, 1)
    assert math.isnan(finding.value.mean)
    told = markdown(made)
    assert "1 ran out of memory" in told
    assert "1 of the values below are not finite" in told
    assert "| 0.5 | `perplexity` | 0 + 1 not finite (1 missing) | – |" in told


def test_what_is_not_there_is_said(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(LesionError, match="no metric 'perplexty'"):
        card(finished_run, ["perplexty"])
    shutil.copytree(finished_run, tmp_path / "empty")
    (tmp_path / "empty" / "trials.jsonl").write_text("")
    with pytest.raises(LesionError, match="no finished trial"):
        card(tmp_path / "empty")
