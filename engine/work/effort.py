"""About how long a trial will take, from its profile and a short test of this host's speed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import linear

from engine import catalog
from engine.models.estimate import ModelEstimate
from engine.models.loading import load
from engine.petri import SIZES
from engine.profile import Effort, ModelSpec, Profile

_DRAWING = 8e-9
"""Seconds that one core takes to damage a weight: random numbers, mostly."""
_LOADING = 5e8
"""Bytes of weights read, checked and hashed in a second."""
_RECORDING = 0.05
"""Seconds of a trial that pass on the way to its record on the disk."""
_TEST_SECONDS = 0.1


@dataclass(frozen=True)
class Speed:
    """Of this host: multiplications and additions a second in a matrix product, bytes of weights read a second, and
    what one layer costs in seconds however small it is."""

    flops: float
    bandwidth: float
    layer: float


def seconds(profile: Profile, folder: Path, size: ModelEstimate, speed: Speed, cores: int) -> float:
    """About how long one trial takes on a model of this size: damage, measurements, restore, the check of every weight.

    Right to a factor of two or three: texts end early, caches differ, other work interferes."""
    damage = sum(size.groups.values()) / max(1, len(size.groups)) * _DRAWING / cores
    total = _RECORDING + damage + 2 * size.weights_bytes / speed.bandwidth
    head = (size.parameters - size.non_embedding) // (1 if size.tied else 2)
    for asked in (*(measure.effort(folder) for measure in profile.measure), _damaging(profile)):
        products = 2 * (size.non_embedding * asked.tokens + head * asked.heads * asked.predicted)
        total += asked.passes * size.layers * speed.layer
        total += max(products / speed.flops, asked.passes * size.weights_bytes / speed.bandwidth)
    return total


def _damaging(profile: Profile) -> Effort:
    """What the methods have the model compute, on average over all trials. A walk passes its levels on one way."""
    efforts: list[Effort] = []
    count = 0
    for damage in (single for table in profile.damage for single in table.singles):
        together = catalog.method(damage.method).walks and not damage.then
        asked = (damage.axis().usual,) if damage.sought else damage.levels
        levels = [max(asked)] if together and asked else asked
        count += len(asked) * len(damage.groups)
        efforts += [damage.typed_options.effort(level) for level in levels for _ in damage.groups]
        for stage in (*damage.before, *damage.then):
            efforts += [stage.typed_options.effort(stage.levels[0]) for _ in levels for _ in damage.groups]
    return Effort(
        *(sum(getattr(one, key) for one in efforts) / max(1, count) for key in ("passes", "tokens", "predicted"))
    )


def loading(size: ModelEstimate) -> float:
    """About how long it takes to load the model, in seconds."""
    return 1 + size.weights_bytes / _LOADING


@torch.inference_mode()
def speed_of(device: torch.device, dtype: torch.dtype, threads: int) -> Speed:
    """How fast this device is at the work of a trial; the test takes about a second."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        square = torch.ones(1024, 1024, dtype=dtype, device=device)
        tall = torch.ones(256, 1024, dtype=dtype, device=device)
        product = 2 * 256 * 1024**2 / _once(lambda: linear(tall, square), device)
        large, row = (torch.ones(size, 4096, dtype=dtype, device=device) for size in (4096, 1))
        read = large.numel() * large.element_size() / _once(lambda: linear(row, large), device)
        return Speed(product, read, _layer(device))
    finally:
        torch.set_num_threads(before)


def _layer(device: torch.device) -> float:
    """What a layer costs with next to nothing to compute: of the smallest bundled model, for one token."""
    name = next(iter(SIZES))
    model = load(ModelSpec(names=(name,)), name, device).model
    ids = torch.zeros(1, 1, dtype=torch.long, device=device)
    return _once(lambda: model(input_ids=ids, use_cache=True), device) / SIZES[name].layers


def _once(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that `work` takes, once it is warm: the least of several times, as other work on the host only adds."""
    work()
    best, until = float("inf"), time.perf_counter() + _TEST_SECONDS
    while best == float("inf") or time.perf_counter() < until:
        begun = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - begun)
    return best
