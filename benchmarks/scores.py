"""What ranking weights costs, beside what it is made of: python -m benchmarks.scores [MODEL] [ROUNDS]

MODEL is a bundled model or a folder; without one, SmolLM2-135M where `make real-model` has put it, else petri-1m.
Every ratio is of two things timed in turns in this process, each the best of ROUNDS (3); memory is the peak resident
size over what was resident before.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from benchmarks.measuring import chosen, give_back
from benchmarks.readings import GRADIENT, bare
from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.scores import ScoreSpec, rank, scan
from engine.scores.reading import Reading
from engine.work.memory import Peak

CPU = torch.device("cpu")
WINDOWS = replace(GRADIENT, batch_size=1)
K = 100


def main(name: str, rounds: int) -> None:
    """Print the figures."""
    loaded = load(ModelSpec(names=(name,), dtype="float32"), name, CPU)
    slices = loaded.architecture.slices("all")
    weights = sum(piece.numel for piece in slices)
    size = sum(piece.bytes for piece in slices)
    reading = Reading(loaded, GRADIENT)
    print(f"{Path(name).name}: {weights:,} weights, {size / 1e6:,.0f} MB; {torch.get_num_threads()} threads")
    print(f"text: {reading.tokens} tokens in {len(reading.batches)} batch(es)\n")

    magnitude = ScoreSpec("magnitude")
    compare(
        rounds,
        size,
        {
            "scores |w| alone": lambda: scan(slices, loaded, magnitude, []),
            f"global top {K} by |w|": lambda: rank(slices, loaded, magnitude, K, largest=True),
            "plain full sort by |w|": lambda: plain_sort(loaded),
        },
    )
    compare(
        rounds,
        size,
        {
            "forward and backward": lambda: bare(loaded, reading),
            f"global top {K} by grad_x_weight": lambda: rank(slices, loaded, GRADIENT, K, largest=True),
            "the same, a window at a time": lambda: rank(slices, loaded, WINDOWS, K, largest=True),
        },
    )


def compare(rounds: int, size: int, work: dict[str, Callable[[], object]]) -> None:
    """Time the pieces of work in turns; ratios are to the first of them."""
    seconds = dict.fromkeys(work, float("inf"))
    memory = dict.fromkeys(work, 0)
    for _ in range(rounds):
        for name, run in work.items():
            give_back()
            before, peak, begun = psutil.Process().memory_info().rss, Peak(CPU), time.perf_counter()
            run()
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
            memory[name] = max(memory[name], peak.bytes() - before)
    first = next(iter(seconds.values()))
    for name, took in seconds.items():
        extra = memory[name]
        print(
            f"{name:32} {took:8.3f} s  {took / first:6.2f} x  {took - first:+8.3f} s   "
            f"peak {extra / 1e6:8.1f} MB = {extra / size:.3f} of the weights"
        )
    print()


def plain_sort(loaded: LoadedModel) -> torch.Tensor:
    """Every score in one list, sorted."""
    every = torch.cat([parameter.detach().abs().flatten() for parameter in loaded.model.parameters()])
    return every.sort(descending=True).indices[:K].clone()


if __name__ == "__main__":
    main(chosen(sys.argv[1] if len(sys.argv) > 1 else None), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
