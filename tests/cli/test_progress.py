"""Progress as lines and as a panel, fed with what a run would have written."""

import io
import re
from typing import Any

import pytest

from app.headless import Lines, Panel, View, counts_line, trial_line
from engine.record.events import ErrorEvent, MemoryEvent, MemoryUse, ModelEvent, TrialEvent, WarningEvent, WorkerEvent
from engine.record.trials import TrialRecord
from engine.runs import RunStatus, Update


def status(done: int = 0, total: int = 4, failed: int = 0, oom: int = 0, **given: Any) -> RunStatus:
    return RunStatus(
        state="running",
        total=total,
        done=done,
        ok=done - failed - oom,
        failed=failed,
        oom=oom,
        started=None,
        seconds=1.0,
        text="",
        **given,
    )


def trial(**given: Any) -> TrialRecord:
    which = {"trial": "k", "index": 0, "model": "petri-60k", "baseline": False, "method": "mult_gauss"}
    which |= {"group": "attn_only", "level": 0.2, "seed": 42, "status": "ok", "seconds": 1.23}
    return TrialRecord(**{**which, "metrics": {"perplexity": 12.345678, "nll": 2.5}, **given})


MEMORY = MemoryEvent(devices=(MemoryUse(name="RAM", used=3_100_000_000, total=33e9, worker=800_000_000),))
LOADING = ModelEvent(model="petri-250k")
READY = ModelEvent(model="petri-250k", state="ready", seconds=1.5)
WARNING = WarningEvent(text="something odd")


def screen(text: str) -> list[str]:
    """What a terminal shows after these characters: cursor-up and clear-to-end are all that the panel uses."""
    lines = [""]
    for part in re.split(r"(\x1b\[\d+F\x1b\[J|\n)", text):
        if part == "\n":
            lines.append("")
        elif match := re.match(r"\x1b\[(\d+)F", part):
            del lines[-1 - int(match[1]) :]
            lines.append("")
        else:
            lines[-1] += part
    return lines


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "petri-60k mult_gauss attn_only 0.2 seed 42: perplexity 12.35 (1.2 s)"),
        ({"layers": "0-1"}, "petri-60k mult_gauss attn_only[0-1] 0.2 seed 42: perplexity 12.35 (1.2 s)"),
        (
            {"baseline": True, "method": "none", "group": None, "level": None},
            "petri-60k baseline seed 42: perplexity 12.35 (1.2 s)",
        ),
        (
            {"metrics": {"perplexity": float("nan")}},
            "petri-60k mult_gauss attn_only 0.2 seed 42: perplexity nan (1.2 s)",
        ),
        (
            {"status": "oom", "metrics": {}, "error": "3 GB short"},
            "petri-60k mult_gauss attn_only 0.2 seed 42: out of memory: 3 GB short",
        ),
    ],
)
def test_a_trial_in_a_line(given: dict[str, Any], line: str) -> None:
    assert trial_line(trial(**given)) == line


def test_lines_tell_every_trial_once_and_use_no_escapes() -> None:
    stream = io.StringIO()
    view = Lines(stream)
    view.show(Update([], [LOADING, MEMORY], status()))
    view.show(Update([trial(), trial(seed=43)], [READY, WARNING], status(done=2)))
    view.show(Update([], [], status(done=2)))
    view.show(Update([trial(seed=44)], [], status(done=3)))
    view.end()
    assert stream.getvalue().splitlines() == [
        "model petri-250k loading",
        "warning: something odd",
        "model petri-250k ready in 1.5 s",
        "1/4 petri-60k mult_gauss attn_only 0.2 seed 42: perplexity 12.35 (1.2 s)",
        "2/4 petri-60k mult_gauss attn_only 0.2 seed 43: perplexity 12.35 (1.2 s)",
        "3/4 petri-60k mult_gauss attn_only 0.2 seed 44: perplexity 12.35 (1.2 s)",
    ]


def test_a_long_run_is_summarised_instead() -> None:
    stream = io.StringIO()
    view = Lines(stream)
    for done in range(1, 100):
        view.show(Update([trial()], [], status(done=done, total=5000)))
    assert len(stream.getvalue().splitlines()) < 5


def test_the_panel_redraws_itself_in_place_and_leaves_notes_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.StringIO()
    view = Panel(stream)
    view.show(Update([], [LOADING, MEMORY], status()))
    assert screen(stream.getvalue()) == [
        "░░░░░░░░░░░░░░░░░░░░ 0/4",
        "running · model petri-250k loading · RAM 3.1 GB of 33.0 GB (worker 800 MB)",
        "last: no trial finished yet",
        "",
    ]
    progress = TrialEvent(trial="k", index=2, phase="progress", what="perplexity 3/9")
    view.show(Update([trial()], [READY, progress, WARNING], status(done=2, failed=1)))
    assert screen(stream.getvalue()) == [
        "warning: something odd",
        "██████████░░░░░░░░░░ 2/4 · 1 failed",
        "running · perplexity 3/9 · RAM 3.1 GB of 33.0 GB (worker 800 MB)",
        "last: petri-60k mult_gauss attn_only 0.2 seed 42: perplexity 12.35 (1.2 s)",
        "",
    ]
    view.end()
    assert screen(stream.getvalue()) == ["warning: something odd", ""]


def test_the_panel_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    Panel(stream).show(Update([trial(model="a/very-long-name" * 5)], [MEMORY], status(done=1)))
    assert max(map(len, screen(stream.getvalue()))) < 40


def test_rate_and_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1020.0)
    line = counts_line(status(done=60, total=100, life_started=1000.0, life_done=40))
    assert line == "60/100 · 2 trials/s · 20 s left"


def test_quiet_says_warnings_and_errors_only() -> None:
    stream = io.StringIO()
    lost, error = WorkerEvent(state="lost", text="killed"), ErrorEvent(text="bad")
    View(stream).show(Update([trial()], [LOADING, MEMORY, WARNING, lost, error], status(1)))
    assert stream.getvalue().splitlines() == [
        "warning: something odd",
        "warning: a worker was lost: killed",
        "error: bad",
    ]
