"""What the engine's work costs, as ratios to the plainest way of touching the same bytes: `make benchmark`.

Runs on SmolLM2-135M-Instruct where `make real-model` has fetched it, else on petri-1m. Every line is the best of
several repetitions, with its baseline measured in turn with it.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from engine.measure.perplexity import Perplexity
from engine.methods import apply
from engine.models.loading import LoadedModel, load
from engine.models.slices import Slice
from engine.models.snapshot import Snapshot, digest
from engine.profile import ModelSpec, PerplexityMeasure

SMOLLM = Path(__file__).parents[1] / "models" / "smollm2-135m-instruct"
COPY = "copy of the same bytes"

Work = Callable[[], object]


def best(works: dict[str, Work], repetitions: int) -> dict[str, float]:
    """The least seconds that each work took, all of them run in turn so that a disturbance meets every one."""
    seconds = dict.fromkeys(works, float("inf"))
    for _ in range(repetitions):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
    return seconds


def report(title: str, works: dict[str, Work], baseline: str, repetitions: int) -> None:
    """Print each work's time and its ratio to the baseline's."""
    print(f"\n{title}")
    seconds = best(works, repetitions)
    for name, value in seconds.items():
        print(f"  {name:<34}{value * 1000:>10.1f} ms   {value / seconds[baseline]:>5.2f}x")


def damage(slices: list[Slice]) -> Iterator[tuple[str, dict[str, Work], str]]:
    """Methods on all MLP weights against filling, or copying, a buffer of the same size."""
    buffer = torch.empty(sum(piece.numel for piece in slices))
    source = torch.zeros_like(buffer)
    snapshot = Snapshot(slices)

    def method(name: str, level: float) -> Work:
        return lambda: apply(name, slices, level, 1)

    copy: dict[str, Work] = {COPY: lambda: buffer.copy_(source)}
    yield "mult_gauss", {"torch normal_": buffer.normal_, "mult_gauss": method("mult_gauss", 1e-6)}, "torch normal_"
    yield "ablation", {"torch uniform_": buffer.uniform_, "ablation": method("ablation", 1e-6)}, "torch uniform_"
    yield "uni_quant", copy | {"uni_quant": method("uni_quant", 65536)}, COPY
    yield "restore", copy | {"restore": snapshot.restore}, COPY
    snapshot.restore()


def perplexity(loaded: LoadedModel) -> dict[str, Work]:
    """Short texts in batches against one at a time."""
    text = "petri" if loaded.name.startswith("petri") else "english"

    def measure(batch_size: int) -> Work:
        spec = PerplexityMeasure(text=text, documents=16, context=64, batch_size=batch_size)
        measurement = Perplexity(spec, loaded, Path())
        measurement.prepare(batch_size, lambda done, total: None)
        return lambda: measurement.run(0, batch_size, lambda done, total: None)

    return {"one text at a time": measure(1), "in batches of 16": measure(16)}


def main() -> None:
    """Print every ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    name = str(SMOLLM) if SMOLLM.is_dir() else "petri-1m"
    loaded = load(ModelSpec(names=(name,)), name, torch.device("cpu"))
    slices = loaded.architecture.slices("mlp_only")
    size = sum(piece.bytes for piece in slices)
    print(f"{Path(name).name}, {arguments.threads} threads, best of {arguments.repetitions}; MLP {size / 1e6:.0f} MB")
    for title, methods, baseline in damage(slices):
        report(f"{title}, all MLP weights", methods, baseline, arguments.repetitions)
    weights = torch.empty(sum(p.numel() for p in loaded.model.parameters()))
    spare = torch.zeros_like(weights)
    works: dict[str, Work] = {COPY: lambda: weights.copy_(spare), "digest": lambda: digest(loaded.model)}
    report("digest of the whole model", works, COPY, arguments.repetitions)
    report("perplexity of short texts", perplexity(loaded), "one text at a time", 2)


if __name__ == "__main__":
    main()
