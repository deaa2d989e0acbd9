"""How quickly the console answers, measured over a real pseudo-terminal: `python -m benchmarks.console`.

Each figure is printed beside the goal for two idle cores, with how busy the host was while it was measured. With --busy
a process for each core computes all the while, as a run's workers do.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.terminal import Terminal

ROOT = Path(__file__).resolve().parents[1]
GAPS = (0.03, 0.1, 0.25)
"""Seconds between two letters."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Figure:
    """What was measured: the values in milliseconds, and how many of a hundred of them the goal is about."""

    name: str
    values: list[float]
    goal: float
    percentile: int = 50

    def row(self, busy: float) -> str:
        """The line of the table."""
        cut = statistics.quantiles(self.values, n=100, method="inclusive") if len(self.values) > 1 else self.values * 99
        figures = "".join(f"{cut[place - 1]:>9.0f}" for place in (50, 95))
        about = f"p{self.percentile} ≤ {self.goal:g}"
        return f"{self.name:<42}{figures}{max(self.values):>9.0f}{about:>14}{busy:>11.0%}"


def opened(folder: Path, size: tuple[int, int] = (120, 40)) -> Terminal:
    """The console over the demo alone, in folders of its own."""
    profiles = folder / "profiles"
    profiles.mkdir(exist_ok=True)
    (profiles / "demo.toml").write_text((ROOT / "profiles" / "demo.toml").read_text())
    command = [sys.executable, "-m", "app.cli", "--results", str(folder / "results"), "--profiles", str(profiles)]
    return Terminal(command, size)


def first_paint(folder: Path, rounds: int) -> Iterator[Figure]:
    """From the start of the process until the masthead is painted, and the processor time that took."""
    walls, works = [], []
    for _ in range(rounds):
        with opened(folder) as terminal:
            walls.append(1e3 * (terminal.shows("Design") - terminal.begun))
            works.append(1e3 * terminal.processor_seconds())
    yield Figure("exec to first paint, wall", walls, 600)
    yield Figure("exec to first paint, processor", works, 500)


def letters(folder: Path, gap: float, rounds: int) -> Figure:
    """From a letter typed in the form's first field until the terminal has it. The program has time between rounds."""
    took = []
    with opened(folder) as terminal:
        terminal.shows("trials")
        terminal.press(["\r"])
        time.sleep(1)
        for number in range(rounds):
            terminal.press(["\x15"])
            time.sleep(1)
            typed, sent = "", []
            since = terminal.mark
            word = _LETTERS[number % 13 : number % 13 + 10]
            for letter in word:
                sent.append(time.perf_counter())
                terminal.press([letter])
                time.sleep(gap)
            for place, at in enumerate(sent):
                typed = word[: place + 1]
                took.append(1e3 * (terminal.shows(typed, since) - at))
    return Figure(f"letter in a form to screen, {1e3 * gap:.0f} ms apart", took, 50, 95)


def switches(folder: Path, rounds: int) -> Figure:
    """From the key of a screen until its own words are painted, once every screen has been shown."""
    took = []
    with opened(folder) as terminal:
        terminal.shows("trials")
        for key, words in (("2", "No runs yet"), ("3", "No runs yet"), ("1", "Profiles")):
            since = terminal.mark
            terminal.press([key])
            terminal.shows(words, since)
            time.sleep(0.5)
        for number in range(3 * rounds):
            key, words = (("2", "No runs yet"), ("1", "Profiles"), ("3", "No runs yet"), ("1", "Profiles"))[number % 4]
            since, at = terminal.mark, time.perf_counter()
            terminal.press([key])
            took.append(1e3 * (terminal.shows(words, since) - at))
            time.sleep(0.3)
    return Figure("switch of screen", took, 100)


@contextmanager
def computing(processes: int) -> Iterator[None]:
    """So many processes that compute while the block lasts."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busy", action="store_true", help="keep every core busy meanwhile")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    print(f"{cores} cores, milliseconds\n{'':<42}{'median':>9}{'p95':>9}{'worst':>9}{'goal':>14}{'host busy':>11}")
    with tempfile.TemporaryDirectory() as name, computing(cores if options.busy else 0):
        folder = Path(name)
        psutil.cpu_percent()
        for figure in first_paint(folder, options.rounds):
            print(figure.row(psutil.cpu_percent() / 100), flush=True)
        for gap in GAPS:
            figure = letters(folder, gap, options.rounds)
            print(figure.row(psutil.cpu_percent() / 100), flush=True)
        print(switches(folder, options.rounds).row(psutil.cpu_percent() / 100), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
