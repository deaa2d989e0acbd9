"""What is frozen, worked out by the code as it is: keys of shipped profiles, digests of draws, and a recorded run."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from engine import catalog
from engine.profile import load, trials
from engine.profile.names import is_model_path
from engine.weights import counter

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNS = {"run": HERE / "profile.toml", "training": HERE / "training.toml"}
"""By the folder in which a run is kept, the profile that it was made of."""
KEYS, DRAWS = HERE / "keys.json", HERE / "draws.json"
KEPT = ("profile.toml", "manifest.json", "trials.jsonl", "generations.jsonl", "events.jsonl")
PLACE = {"host": "golden", "platform": "Linux", "source": "profile.toml"}
"""What a recorded manifest says of where it was made."""


def keys() -> dict[str, dict[str, Any]]:
    """By shipped profile: how many trials it has, and one digest of all their keys in order."""
    found = {}
    for path in sorted((ROOT / "profiles").rglob("*.toml")):
        profile = load(path, must_exist=False)
        local = any(is_model_path(name) for name in profile.model.names)
        names = [] if local else [trial.key for trial in trials(profile)]
        digest = hashlib.sha256(" ".join(names).encode()).hexdigest()
        found[path.relative_to(ROOT / "profiles").as_posix()] = {"trials": len(names), "keys": digest}
    return found


def draws() -> dict[str, Any]:
    """The versions of what draws, and digests of 5,000 numbers of each kind under fixed keys."""
    words = (np.uint64(0x0123456789ABCDEF), np.uint64(0xFEDCBA9876543210))
    units = np.arange(5000 // counter.UNIT + 1, dtype=np.int64)
    found: dict[str, Any] = {"draws": catalog.DRAW_VERSION, "sampler": catalog.SAMPLER_VERSION}
    for kind in ("normal", "uniform"):
        made = np.empty(len(units) * counter.UNIT, dtype=np.float32)
        counter.numbers(kind, units, words, made)
        found[kind] = hashlib.sha256(made.tobytes()).hexdigest()
    noise = np.empty(5000, dtype=np.float64)
    counter.gumbel(7, *words, noise)
    found["gumbel"] = hashlib.sha256(np.round(noise, 9).tobytes()).hexdigest()
    return found


def lesion(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The real command, one thread."""
    command = [sys.executable, "-m", "app.cli", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def record_run(folder: str, results: Path) -> None:
    """Run a profile anew and keep what a later Lesion must be able to go on with."""
    done = lesion("run", RUNS[folder], "--quiet", "--results", results)
    if done.returncode:
        raise SystemExit(done.stderr)
    made, run = next(results.iterdir()), HERE / folder
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    for name in KEPT:
        if (made / name).exists():
            shutil.copy(made / name, run / name)
    manifest = json.loads((run / "manifest.json").read_text()) | PLACE
    (run / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    kept = [
        event | ({"host": PLACE["host"]} if "host" in event else {}) for event in events if event["event"] != "memory"
    ]
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in (kept[0], kept[-1])))
