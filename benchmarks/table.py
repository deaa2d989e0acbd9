"""What the table of trials costs: python -m benchmarks.table [--trials N] [--runs N] [--rounds N]

A journal of a million trials is made of the lines of a real run of petri models, each with a key, a place, a seed and
figures of its own. Every work is measured in a process of its own, its imports left out; beside it stands json.loads of
every line, which is the least that a reader without a cache has to do in Python. Then a list of runs, and a live one:
what a look costs that finds a hundred trials more, at a hundredth of the length and at the whole.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import engine
from engine.profile import parse
from engine.record.directory import TRIALS
from engine.record.lines import encode

PREAMBLE = """
import io, json, resource, sys, time
from pathlib import Path
import numpy, orjson, pandas, pyarrow.parquet
from engine import analysis
run = Path(sys.argv[1])
begun = time.perf_counter()
"""
FINISH = """
print(json.dumps([time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""
PLAIN = "for line in (run / 'trials.jsonl').open('rb'): json.loads(line)"
ARROW = "analysis.arrow(run)"
FRAME = "analysis.table(run)"
PARQUET = "analysis.export(run, 'parquet', run / 'trials.parquet')"
LOOKS = 20
NEW = 100
"""Trials that each look at a live run finds."""


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The trials of a small real run."""
    tables: dict[str, Any] = {
        "name": "table",
        "model": {"names": ["petri-4k", "petri-16k"], "device": "cpu"},
        "damage": [{"method": "mult_gauss", "groups": ["attn_only", "mlp_only"], "levels": [0.0, 0.5, 1.0]}],
        "seeds": {"count": 2},
        "measure": [
            {"name": "perplexity", "documents": 4},
            {"name": "generation", "limit": 2, "max_new_tokens": 8},
        ],
    }
    run = engine.run(parse(tables, "benchmark", folder), results=folder)
    return run.trials()


def journal(records: Sequence[dict[str, Any]], run: Path, count: int) -> None:
    """A run directory with so many trials, as unlike as those of a real run."""
    run.mkdir()
    draws = random.Random(42)
    with (run / TRIALS).open("wb") as file:
        for place in range(count):
            known = records[place % len(records)]
            figures = {name: value * (1 + draws.random() / 1000) for name, value in known["metrics"].items()}
            own = {"trial": f"{draws.getrandbits(64):016x}", "index": place, "metrics": figures}
            file.write(encode(known | own | {"seed": known["seed"] + 2 * (place // len(records))}))


def measured(script: str, run: Path, rounds: int = 1) -> tuple[float, float]:
    """Seconds that it takes, the least of some rounds, and bytes that were resident at most."""
    found = []
    for _ in range(rounds):
        command = [sys.executable, "-c", PREAMBLE + script + FINISH, str(run)]
        found.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
    return min(seconds for seconds, _ in found), min(peak for _, peak in found)


def report(name: str, ours: float, plain: float | None, limit: float | None) -> None:
    """One line: seconds, the ratio to json.loads of every line, and the goal."""
    beside = "" if plain is None else f"{plain:>10.2f} s{ours / plain:>8.2f}x"
    goal = "" if limit is None else f"   <= {limit:g} s {'reached' if ours <= limit else 'MISSED'}"
    print(f"{name:<46}{ours:>9.3f} s{beside:>21}{goal}", flush=True)


def memory(name: str, taken: float, of: float, limit: float) -> None:
    """One line: bytes resident at most, beside those of the journal."""
    verdict = f"   <= {limit / 1e9:g} GB {'reached' if taken <= limit else 'MISSED'}"
    print(f"{name:<46}{taken / 1e9:>8.2f} GB{of / 1e9:>9.2f} GB{taken / of:>8.2f}x{verdict}", flush=True)


def reading(run: Path, rounds: int) -> None:
    """A long journal, read for the first time and again."""
    plain, _ = measured(PLAIN, run)
    first, peak = measured(FRAME, run)
    report("first read", first, plain, 20)
    memory("memory of the first read", peak, (run / TRIALS).stat().st_size, 1.5e9)
    report("with its cache, as Arrow", measured(ARROW, run, rounds)[0], plain, 1)
    report("with its cache, as pandas", measured(FRAME, run, rounds)[0], plain, 1)
    report("export as Parquet", measured(PARQUET, run)[0], plain, 10)


class Live:
    """A run that grows, and what follows it as the console does."""

    def __init__(self, records: Sequence[dict[str, Any]], run: Path, length: int) -> None:
        from engine.record.growing_table import GrowingTable
        from engine.runs import Watch

        self._records, self._run, self._length = records, run, length
        journal(records, run, length)
        self._watch, self._table = Watch(run), GrowingTable(run)
        self._watch.poll()
        self._table.look()

    def look(self, count: int) -> float:
        """Seconds of the look of this number, which finds NEW trials."""
        known = self._records[count]
        new = [known | {"trial": f"{count}-{place}", "index": self._length + place} for place in range(NEW)]
        with (self._run / TRIALS).open("ab") as file:
            file.write(b"".join(map(encode, new)))
        begun = time.perf_counter()
        assert len(self._watch.poll().trials) == NEW
        self._table.look()
        return time.perf_counter() - begun


def live(records: Sequence[dict[str, Any]], folder: Path, length: int) -> None:
    """A short run and a long one, looked at in turn so that a disturbance meets both: the medians."""
    runs = [Live(records, folder / f"live-{one}", one) for one in (length // 100, length)]
    looks = [[run.look(count) for run in runs] for count in range(LOOKS)]
    short, long = map(median, zip(*looks, strict=True))
    print(f"{f'a look that finds {NEW} trials more':<46}{long * 1e3:>8.1f} ms", end="")
    print(f"{short * 1e3:>9.1f} ms{long / short:>8.2f}x   beside a run of a hundredth of the length", flush=True)


def listing(source: Path, results: Path, count: int, rounds: int) -> None:
    """`lesion results` over so many runs, each a copy of a small real one that ended a while ago."""
    results.mkdir()
    for place in range(count):
        copy = results / f"20260101-1000-copy-{place:04}"
        shutil.copytree(source, copy)
        for path in copy.iterdir():
            os.utime(path, (1e9, 1e9))
    command = [sys.executable, "-m", "app.cli", "results", "--results", str(results)]
    taken = []
    for _ in range(1 + rounds):
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - begun)
    report(f"lesion results over {count:,} runs, once", taken[0], None, None)
    report(f"lesion results over {count:,} runs, cached", min(taken[1:]), None, 1)


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = lines_of(folder / "real")
        [source] = (folder / "real").iterdir()
        journal(records, run := folder / "long", arguments.trials)
        print(f"{arguments.trials:,} trials, {(run / TRIALS).stat().st_size / 1e6:,.0f} MB".ljust(46), end="")
        print(f"{'ours':>9}  {'json.loads':>10}  {'ratio':>7}   goal")
        reading(run, arguments.rounds)
        shutil.rmtree(run)
        live(records, folder, arguments.trials)
        listing(source, folder / "many", arguments.runs, arguments.rounds)


if __name__ == "__main__":
    main()
