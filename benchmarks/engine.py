"""What the engine's work costs, as ratios to the plainest way of doing as much: `make benchmark`.

    python -m benchmarks.engine [--model NAME] [--threads 1 2] [--rounds 5]

Runs on SmolLM2-135M-Instruct where `make real-model` has fetched it, else on petri-1m. Every line is the best of
several rounds, with its baseline measured in turn with it, by the same number of threads. The goals are for SmolLM2 and
two cores, and printed for it alone.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.measuring import SMOLLM, Figure, Work, chosen, extra_memory, heading, memory_line, table
from benchmarks.readings import GRADIENT, bare, effective_rank, gradients, one_text, perplexity, sampling
from engine.methods import apply
from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.scores import ScoreSpec, rank
from engine.scores.reading import Reading
from engine.weights.slices import Slice
from engine.weights.snapshot import Snapshot, digest

COPY = "copy of the same bytes"


def damage(slices: list[Slice]) -> Iterator[Figure]:
    """Methods on all MLP weights beside filling, or copying, a buffer of the same size."""
    buffer = torch.empty(sum(piece.numel for piece in slices))
    source = torch.zeros_like(buffer)
    snapshot = Snapshot(slices)

    def method(name: str, level: float) -> Work:
        return lambda: apply(name, slices, level, 1)

    def copy() -> object:
        return buffer.copy_(source)

    yield Figure("mult_gauss, all MLP weights", "torch normal_ *", buffer.normal_, method("mult_gauss", 1e-6), 1.2)
    yield Figure("ablation, all MLP weights", "torch uniform_ *", buffer.uniform_, method("ablation", 1e-6), 1.2)
    yield Figure("uni_quant, all MLP weights", COPY, copy, method("uni_quant", 65536), 2.5)
    yield Figure("restore, all MLP weights", COPY, copy, snapshot.restore, 1.2)
    snapshot.restore()


def whole_model(loaded: LoadedModel, slices: list[Slice]) -> Iterator[Figure]:
    """Work on all weights beside a copy of them."""
    weights = torch.empty(sum(parameter.numel() for parameter in loaded.model.parameters()))
    spare = torch.zeros_like(weights)

    def copy() -> object:
        return weights.copy_(spare)

    def top() -> object:
        return rank(slices, loaded, ScoreSpec("magnitude"), 100, largest=True)

    yield Figure("digest of the whole model", COPY, copy, lambda: digest(loaded.model))
    yield Figure("global top 100 of all weights", COPY, copy, top, limit=1.0)


def readings(loaded: LoadedModel, slices: list[Slice], reading: Reading, folder: Path) -> Iterator[Figure]:
    """Work on texts."""
    yield gradients(loaded, slices, reading)
    yield effective_rank(loaded)
    yield perplexity(loaded, folder)
    yield sampling(loaded)


def memory(loaded: LoadedModel, slices: list[Slice], folder: Path, goal: float | None) -> None:
    """The memory that ranking takes beside the size of all parameters; with gradients, on one text of 64 tokens: what
    the forward pass keeps for the backward pass grows with the text, whatever is done with the gradients."""
    size = sum(piece.bytes for piece in slices)
    spec = one_text(loaded, folder)
    reading = Reading(loaded, spec)
    works: dict[str, Work] = {
        "global top 100": lambda: rank(slices, loaded, ScoreSpec("magnitude"), 100, largest=True),
        "bare forward": lambda: reading.loss(reading.batches[0]).item(),
        "bare forward and backward": lambda: bare(loaded, reading),
        "grad_x_weight": lambda: rank(slices, loaded, spec, 100, largest=True),
    }
    print(f"\n{'extra memory':<32}{'beside':<34}{'beside':>11}{'ours':>10}{'ratio':>8}")
    for name, work in works.items():
        taken = extra_memory(work)
        memory_line(name, taken, size, "all parameters", goal if name == "grad_x_weight" else None)


def main() -> None:
    """Print every ratio, for every number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, min(2, cores)}))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    name = chosen(arguments.model)
    if name == "petri-1m" and not arguments.model:
        print(f"{SMOLLM.name} is not there (make real-model fetches it): these are the figures of petri-1m")
    loaded = load(ModelSpec(names=(name,), dtype="float32"), name, torch.device("cpu"))
    mlp, everything = loaded.architecture.slices("mlp_only"), loaded.architecture.slices("all")
    size, whole = (sum(piece.bytes for piece in slices) / 1e6 for slices in (mlp, everything))
    print(f"{Path(name).name}: {whole:.1f} MB, of these MLP weights {size:.1f} MB; best of {arguments.rounds} rounds")
    reading, goals = Reading(loaded, GRADIENT), Path(name).name == SMOLLM.name
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            heading(goals=goals)
            for figures in (damage(mlp), whole_model(loaded, everything), readings(loaded, everything, reading, path)):
                table(figures, arguments.rounds, goals=goals)
        memory(loaded, everything, path, 1.1 if goals else None)
    print("\n* torch fills from its one generator in one thread, however many it may use; ours are drawn by position.")


if __name__ == "__main__":
    main()
