"""Records of trials and texts as lines: what was recorded comes back byte for byte, what we write is checked."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine.record.lines import encode
from engine.record.records import read_line
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

RUNS = [Path(__file__).parents[1] / "golden" / "run", Path(__file__).parents[1] / "runs" / "former"]

WHICH: dict[str, Any] = {"trial": "k", "index": 0, "model": "m", "baseline": False, "method": "mask", "group": "all"}
TRIAL = TrialRecord(**WHICH, level=0.5, seed=1, status="ok", metrics={"nll": math.nan, "kl": 1})


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_lines_that_were_recorded_come_back_byte_for_byte(run: Path) -> None:
    for line in (run / "trials.jsonl").read_bytes().splitlines(keepends=True):
        record, reason = read_line(line, TrialRecord)
        assert record is not None, reason
        assert encode(record.encode()) == line
    for line in (run / "generations.jsonl").read_bytes().splitlines(keepends=True):
        text, reason = read_line(line, TextRecord)
        assert text is not None, reason
        assert encode(text.encode()) == line


def test_the_order_of_the_fields_and_what_is_left_out() -> None:
    assert list(TRIAL.encode()) == [
        *("v", "trial", "index", "model", "baseline", "method", "group", "layers", "level", "seed", "status"),
        *("metrics", "change_pct", "texts", "parameters", "touched", "batch", "seconds", "peak_bytes", "device"),
        *("started", "error", "threads"),
    ]
    narrowed = TrialRecord(
        **{**vars(TRIAL), "layers": (3,), "heads": (0, 1), "select": {"by": "random"}, "artifacts": ("a",)}
    )
    plain = json.loads(encode(narrowed.encode()))
    assert list(plain)[7:13] == ["layers", "level", "seed", "heads", "select", "status"]
    assert (plain["layers"], plain["heads"], plain["artifacts"]) == ([3], [0, 1], ["a"])
    assert list(plain)[-1] == "artifacts"
    assert TrialRecord.decode(plain).heads == (0, 1)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"metrics": {"nll": "much"}}, r"TrialRecord\.metrics is .*, where figure by name is expected"),
        ({"level": math.inf}, r"TrialRecord\.level is inf, where number or null is expected"),
        ({"status": "fine"}, r"TrialRecord\.status is 'fine'"),
        ({"seconds": -1.0}, r"TrialRecord\.seconds"),
        ({"select": {"k": 3}}, r"TrialRecord\.select"),
    ],
)
def test_what_we_write_is_checked(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TrialRecord(**{**vars(TRIAL), **changed}).encode()


def test_a_text_keeps_what_its_measurement_tells_in_its_order() -> None:
    found = {"index": 0, "text": "t", "zeal": [1], "batch": 2, "seed": 9}
    text = TextRecord(trial="k", measurement="own", found=found, model="m", method="none", seed=42)
    line = encode(text.encode())
    assert list(json.loads(line)) == [
        *("trial", "measurement", "label", "index", "text", "zeal", "batch"),
        *("model", "method", "group", "level", "seed"),
    ]
    read, _ = read_line(line, TextRecord)
    assert read is not None
    assert (read.found, read.seed) == ({"index": 0, "text": "t", "zeal": [1], "batch": 2}, 42)
    with pytest.raises(ValueError, match="the text's index is 'x', where count or null is expected"):
        TextRecord(trial="k", found={"index": "x"}).encode()


def test_of_later_versions_what_is_known_is_read() -> None:
    plain = {**TRIAL.encode(), "mood": "good"}
    read, _ = read_line(encode(plain), TrialRecord)
    assert read is not None
    assert "mood" not in read.encode()
    assert math.isnan(read.metrics["nll"])
    assert read_line(encode({**plain, "v": 2}), TrialRecord)[1] == "is of version 2, and this Lesion reads up to 1"
    assert read_line(encode({**plain, "trial": 3}), TrialRecord)[1] == "names no trial"
