"""Timing work beside a baseline in the same process, the memory it takes, and the table of both."""

import ctypes
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from engine.work.memory import Peak

SMOLLM = Path(__file__).resolve().parents[1] / "models" / "smollm2-135m-instruct"

Work = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """One line: work of ours and the plainest way to do as much, `goal` the ratio wanted at most (None: none is set).

    With `limit`, ours is wanted in so many seconds at most, whatever the other takes.
    """

    name: str
    beside: str
    plain: Work
    ours: Work
    goal: float | None = None
    limit: float | None = None
    rounds: int | None = None


def chosen(name: str | None) -> str:
    """The model to measure on: the one named, else SmolLM2 where `make real-model` has put it, else petri-1m."""
    return name or (str(SMOLLM) if SMOLLM.is_dir() else "petri-1m")


def best(works: Iterable[Work], rounds: int) -> list[float]:
    """The least seconds that each work took, all of them run in turn so that a disturbance meets every one."""
    listed = list(works)
    seconds = [float("inf")] * len(listed)
    for _ in range(rounds):
        for number, work in enumerate(listed):
            begun = time.perf_counter()
            work()
            seconds[number] = min(seconds[number], time.perf_counter() - begun)
    return seconds


def extra_memory(work: Work) -> int:
    """The peak resident size during the work over what was resident before, in bytes."""
    give_back()
    before, peak = psutil.Process().memory_info().rss, Peak(torch.device("cpu"))
    work()
    return peak.bytes() - before


def give_back() -> None:
    """Hand memory that was freed back to the system, or the next piece of work would seem to need less."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries than glibc
            ctypes.CDLL(None).malloc_trim(0)


def heading(*, goals: bool) -> None:
    """The first line of a table of figures: how many threads torch may use, and what the columns are."""
    threads = torch.get_num_threads()
    title = f"{threads} thread{'s' if threads > 1 else ''}"
    print(f"\n{title:<32}{'beside':<34}{'beside, ms':>11}{'ours, ms':>10}{'ratio':>8}{'   goal' if goals else ''}")


def table(figures: Iterable[Figure], rounds: int, *, goals: bool) -> None:
    """Measure and print the figures one by one, with their goals or without."""
    for figure in figures:
        plain, ours = best((figure.plain, figure.ours), figure.rounds or rounds)
        print(
            f"{figure.name:<32}{figure.beside:<34}{plain * 1000:>11.1f}{ours * 1000:>10.1f}{ours / plain:>7.2f}x"
            f"   {_goal(figure, ours, ours / plain) if goals else ''}",
            flush=True,
        )


def memory_line(name: str, taken: int, of: int, what: str, goal: float | None = None) -> None:
    """Print what some work took beside a size that is known."""
    verdict = "" if goal is None else f"   <= {goal:g}x {_met(taken / of <= goal)}"
    print(f"{name:<32}{what:<34}{of / 1e6:>8.0f} MB{taken / 1e6:>7.0f} MB{taken / of:>7.2f}x{verdict}", flush=True)


def _goal(figure: Figure, ours: float, ratio: float) -> str:
    if figure.limit is not None:
        return f"<= {figure.limit:g} s {_met(ours <= figure.limit)}"
    return "" if figure.goal is None else f"<= {figure.goal:g}x {_met(ratio <= figure.goal)}"


def _met(reached: bool) -> str:
    return "reached" if reached else "MISSED"
