"""A run as someone else might hand it over: names, groups, errors and what workers said are full of escape codes."""

import json
import os
import unicodedata
from pathlib import Path

TRICKS = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eevil\u200b\x7f"
"""Colour, the window's title, a clearing of the screen in 8-bit codes, text written backwards, a delete."""

NAME = f"20261121-1432-{TRICKS}-0000"


def acting(text: str) -> set[str]:
    """The characters in a text that a terminal would act on instead of printing; newlines do not count."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}


def run(results: Path, name: str = NAME) -> Path:
    """A stopped run of two models with three trials, one of them failed."""
    made = results / name
    made.mkdir(parents=True)
    models = [f"petri-16k{TRICKS}\x00\ud800", "/somewhere/else/[bold]llama"]
    (made / "profile.toml").write_text(profile(models))
    records = [record(0, models[0], None), record(1, models[0], 0.5), record(2, models[1], 0.5)]
    records[2] |= {"status": "failed", "metrics": {}, "error": f"no{TRICKS}\nlesion: all is well"}
    write(made, "trials.jsonl", records)
    write(
        made,
        "events.jsonl",
        [
            {"t": 1.0, "event": "started", "total": 4, "done": 0, "seconds": 0.0, "pid": 1, "host": TRICKS},
            {"t": 2.0, "event": "model", "model": models[0], "state": f"loading{TRICKS}"},
            {"t": 2.0, "event": "memory", "devices": [{"name": TRICKS, "used": 1.0, "total": 2.0, "worker": 1.0}]},
            {"t": 3.0, "event": "warning", "text": f"odd{TRICKS}"},
            {"t": 4.0, "event": "worker", "state": "lost", "device": TRICKS, "text": f"segmentation fault{TRICKS}"},
            {"t": 5.0, "event": "state", "state": "failed", "text": f"full{TRICKS}\nlesion: all is well"},
        ],
    )
    return made


def profile(models: list[str]) -> str:
    """The profile of such a run; it is refused for its models."""
    names = [model.encode(errors="replace").decode() for model in models]  # TOML has no half characters
    return f"""
name = {_quoted(f"tricks{TRICKS}")}
[model]
names = {_quoted(names)}
[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.5]
[[measure]]
name = "perplexity"
"""


def _quoted(value: object) -> str:
    """As TOML has it, which is JSON but for the delete."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def record(index: int, model: str, level: float | None) -> dict[str, object]:
    """A trial's record; of the metrics one is named by an attacker."""
    return {
        "v": 1,
        "trial": f"{index:016x}",
        "index": index,
        "model": model,
        "baseline": level is None,
        "method": "none" if level is None else "mult_gauss",
        "group": None if level is None else f"=attn_only{TRICKS}",
        "layers": None,
        "level": level,
        "seed": 42,
        "status": "ok",
        "metrics": {"perplexity": 10.0 * (1 + (level or 0.0)), f"nll{TRICKS}": 1.0},
        "parameters": 35_700,
        "error": None,
    }


def write(made: Path, name: str, lines: list[dict[str, object]]) -> None:
    """The lines of a journal, and times long past, so that nothing seems to be at work."""
    (made / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(made / name, (1e9, 1e9))
