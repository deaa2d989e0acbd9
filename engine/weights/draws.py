"""Random numbers for damage: what a weight draws depends on the seed and on which weight it is, on nothing else.

The numbers are a function of (DRAW_VERSION, seed, parameter name, flat index in the parameter, kind). So they are the
same whatever group or layers the weight was chosen with, whatever ran before, at every level, dtype, device and number
of threads.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from engine.catalog import DRAW_VERSION
from engine.weights.compiled import pool
from engine.weights.counter import UNIT, Floats, Keys, Kind, numbers
from engine.weights.slices import Chunk, Slice

_AHEAD = 2
"""Chunks that are ready, or in the making beyond one a thread, when the next is asked for."""

_BLOCK = 2**15
"""The most weights that torch works on without calling in other threads, which are busy making numbers."""


class Draws:
    """The random numbers of one seed, computed on the CPU, by as many threads as torch may use."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._spare: list[Floats] = []
        """Memory that numbers were made in before: fresh memory costs about as much as the arithmetic."""

    def normal(self, piece: Slice) -> Tensor:
        """Numbers from N(0, 1), float32 on the CPU, shaped like `piece.gather()`; all below 6.6 in size."""
        return self.whole(piece, "normal")

    def uniform(self, piece: Slice) -> Tensor:
        """Numbers from [0, 1), multiples of 2^-24, float32 on the CPU, shaped like `piece.gather()`."""
        return self.whole(piece, "uniform")

    def chunks(self, piece: Slice, kind: Kind) -> Iterator[tuple[Tensor, Tensor]]:
        """(weights, numbers), both [runs, length], chunk by chunk.

        The weights share the parameter's memory. The numbers, float32 on its device, are the caller's to overwrite, and
        gone when the next pair is asked for.
        """
        keys = keys_of(self.seed, piece.parameter, kind)
        threads = torch.get_num_threads()
        made = self._ahead(piece, kind, keys, threads) if threads > 1 else self._one_by_one(piece, kind, keys)
        for chunk, drawn in made:
            yield chunk.view, torch.from_numpy(drawn).to(piece.tensor.device)

    def blocks(self, piece: Slice, kind: Kind) -> Iterator[tuple[Tensor, Tensor]]:
        """As `chunks`, in smaller parts [n] or [runs, length]: for methods that treat every weight by itself."""
        for weights, drawn in self.chunks(piece, kind):
            runs, length = weights.shape
            if weights.is_cuda or runs * length <= _BLOCK:
                yield weights, drawn
            elif runs == 1:
                yield from zip(torch.split(weights[0], _BLOCK), torch.split(drawn[0], _BLOCK), strict=True)
            else:
                rows = max(1, _BLOCK // length)
                yield from zip(torch.split(weights, rows), torch.split(drawn, rows), strict=True)

    def whole(self, piece: Slice, kind: Kind) -> Tensor:
        """Numbers of any kind, float32 on the CPU, shaped like `piece.gather()`."""
        canvas = Parameter(torch.empty(piece.tensor.shape, dtype=torch.float32), requires_grad=False)
        target = replace(piece, tensor=canvas)
        for view, drawn in self.chunks(target, kind):
            view.copy_(drawn)
        return target.gather()

    def _one_by_one(self, piece: Slice, kind: Kind, keys: Keys) -> Iterator[tuple[Chunk, Floats]]:
        memory = self._memory()
        for chunk in piece.chunks():
            memory, drawn = _numbers(chunk, kind, keys, memory)
            yield chunk, drawn
        self._spare.append(memory)

    def _ahead(self, piece: Slice, kind: Kind, keys: Keys, threads: int) -> Iterator[tuple[Chunk, Floats]]:
        """The chunks in order, their numbers made by other threads while the caller is at work on an earlier chunk."""
        made: deque[tuple[Chunk, Future[tuple[Floats, Floats]]]] = deque()
        chunks, left = piece.chunks(), True
        while left or made:
            while left and len(made) < threads + _AHEAD:
                chunk = next(chunks, None)
                left = chunk is not None
                if chunk is not None:
                    made.append((chunk, pool().submit(_numbers, chunk, kind, keys, self._memory())))
            if made:
                chunk, future = made.popleft()
                memory, drawn = future.result()
                yield chunk, drawn
                self._spare.append(memory)

    def _memory(self) -> Floats:
        return self._spare.pop() if self._spare else np.empty(0, np.float32)


def keys_of(seed: int, parameter: str, kind: Kind) -> Keys:
    """What the numbers of one seed, parameter and kind are hashed with."""
    text = f"{DRAW_VERSION}\0{seed}\0{parameter}\0{kind}"
    first, second = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), "<u8").astype(np.uint64)
    return first, second


def _numbers(chunk: Chunk, kind: Kind, keys: Keys, memory: Floats) -> tuple[Floats, Floats]:
    """Memory, `memory` itself where it is long enough, and the numbers of a chunk [runs, length], made in it."""
    runs, length = chunk.view.shape
    starts = chunk.start + chunk.stride * np.arange(runs, dtype=np.int64)
    offsets = starts % UNIT
    across = (int(offsets.max()) + length + UNIT - 1) // UNIT
    units = (starts // UNIT)[:, None] + np.arange(across)
    if memory.size < units.size * UNIT:
        memory = np.empty(units.size * UNIT, np.float32)
    numbers(kind, units.ravel(), keys, memory[: units.size * UNIT])
    drawn = memory[: units.size * UNIT].reshape(runs, across * UNIT)
    if (offsets == offsets[0]).all():
        return memory, drawn[:, offsets[0] : offsets[0] + length]
    return memory, np.stack([row[offset : offset + length] for row, offset in zip(drawn, offsets, strict=True)])
