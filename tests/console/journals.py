"""Run directories written line by line with the engine's own writer: what no real run would hold in a test's time."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from engine import runs
from engine.profile import Trial, parse, trials
from engine.record.events import StartEvent, StateEvent
from engine.record.lines import encode
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

Record = dict[str, Any]

NASTY = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \x00 [bold]not markup[/] [/] [link=x]y",
    "\u202eevil\u202c \u2066iso\u2069 \u200b\ufeff \ud800 \ue000",
    "a" * 5_000,
    "tab\there\nnew line\r\nwindows\rmac\u2028separator",
    "z\u0301\u0302\u0303\u0304\u0305 漢字 \U0001f525",
    "",
)


def make(results: Path, models: Iterable[str] = ("petri-16k", "petri-60k"), seeds: int = 2) -> tuple[Path, list[Trial]]:
    """A run that has not started, and its trials: two groups at three levels of noise."""
    profile = parse(
        {
            "name": "made",
            "model": {"names": list(models), "dtype": "float32", "device": "cpu"},
            "damage": [{"method": "mult_gauss", "groups": ["attn_only", "mlp_only"], "levels": [0.0, 0.5, 1.0]}],
            "seeds": {"count": seeds},
            "measure": [{"name": "perplexity"}, {"name": "generation", "prompts": "petri"}],
        },
        "made.toml",
        results,
    )
    run = runs.create(profile, results, source=None)
    return run, trials(runs.read_profile(run))


def record(trial: Trial, /, **changed: Any) -> Record:
    """A trial's line: perplexity 10 on the baseline, growing with the level."""
    told: dict[str, Any] = {
        "trial": trial.key,
        **{name: getattr(trial, name) for name in ("index", "model", "baseline", "method", "group", "level", "seed")},
        "layers": trial.layers,
        "status": "ok",
        "metrics": {"perplexity": 10.0 * (1 + 3 * (trial.level or 0.0)), "token_accuracy": 0.5},
        "texts": 0,
        "parameters": 35_700,
        "touched": 100,
        "batch": {},
        "seconds": 0.1,
        "peak_bytes": 1 << 20,
        "device": "cpu",
        "started": "2026-11-21T14:32:01Z",
        "threads": 1,
    }
    return TrialRecord(**(told | changed)).encode()


def text(trial: Trial, index: int, said: str) -> Record:
    """A line of generations.jsonl."""
    found = {"index": index, "prompt": f"prompt {index}", "text": said, "tokens_out": 8, "stop": "length"}
    told = TextRecord(trial=trial.key, measurement="generation", found=found, model=trial.model, seed=trial.seed)
    return told.encode()


def begun(planned: list[Trial]) -> Record:
    """The line that says that a run of these trials has begun."""
    return StartEvent(t=1.0, event="started", total=len(planned), pid=1, host="h").encode()


def finish(run: Path, planned: list[Trial], change: Callable[[Trial], Record] = lambda trial: {}) -> None:
    """Every trial done, NASTY texts for every damaged one."""
    write(run, "events.jsonl", [begun(planned)])
    write(run, "trials.jsonl", [record(trial, **change(trial)) for trial in planned])
    said = [text(t, i, f"healthy words {i}" if t.baseline else nasty) for t in planned for i, nasty in enumerate(NASTY)]
    write(run, "generations.jsonl", said)
    write(run, "events.jsonl", [StateEvent(t=9.0, state="done").encode()])


def write(run: Path, name: str, records: Iterable[Record]) -> None:
    """Adds lines to a journal."""
    with (run / name).open("ab") as file:
        file.write(b"".join(map(encode, records)))
