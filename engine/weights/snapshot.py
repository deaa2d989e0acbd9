"""Undoing damage exactly, and proving it: snapshots of slices, and digests of a whole model."""

import functools
import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import Module

from engine.weights.compiled import compiled, spread
from engine.weights.packed import packed_weights
from engine.weights.slices import Slice

_ROW = 8192
"""Words of 4 bytes that one sum is made of."""

_STRETCH = 1 << 22
"""Weights whose change is computed at a time."""

_TOGETHER = 64
"""Rows summed in one go: 2 MiB."""


class Snapshot:
    """A copy of some slices, kept on their device; nothing else of the model is copied. Of a packed weight the codes
    and scales of all of it are kept."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        pieces = list(slices)
        self._kept = [
            (piece, piece.gather().clone() if piece.ranges is None else piece.gather())
            for piece in pieces
            if piece.packed is None
        ]
        packed = {piece.parameter: piece.packed for piece in pieces if piece.packed is not None}
        stored = [tensor for weight in packed.values() for tensor in weight.tensors().values()]
        self._stored = [(tensor, tensor.clone()) for tensor in stored]

    @property
    def bytes(self) -> int:
        """The memory that the snapshot holds."""
        return sum(piece.bytes for piece, _ in self._kept) + sum(kept.nbytes for _, kept in self._stored)

    def distance(self) -> float:
        """The length of the difference between the slices as they are and as they were: the root of the sum of squares,
        in float64, a stretch at a time. Packed weights are left out."""
        return math.sqrt(sum(_squared(piece.gather(), kept) for piece, kept in self._kept))

    def restore(self) -> None:
        """Write every slice back, bit by bit as it was; may be called again."""
        for piece, weights in self._kept:
            piece.scatter(weights)
        for tensor, kept in self._stored:
            tensor.copy_(kept)


def _squared(now: Tensor, before: Tensor) -> float:
    stretches = zip(now.flatten().split(_STRETCH), before.flatten().split(_STRETCH), strict=True)
    return sum(float((one.double() - other.double()).square().sum()) for one, other in stretches)


def digest(model: Module) -> str:
    """A digest (32 hex digits) of every parameter and buffer, and of the scales of packed weights: names, dtypes,
    shapes, and bytes by their position.

    Runs at about the speed of memory, on the tensors' device, to prove a restore. A change within one aligned 4-byte
    word always shows; any other, a number of words that change places or signs, say, escapes with a chance of at most
    2^-32. For identity across time and place use `weights_digest`.
    """
    tensors = list(_tensors(model))
    sums = _row_sums([tensor for _, tensor in tensors])
    hashed = hashlib.blake2b(digest_size=16)
    for (name, tensor), of_tensor in zip(tensors, sums, strict=True):
        hashed.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        hashed.update(of_tensor.cpu().numpy().tobytes())
    return hashed.hexdigest()


def weights_digest(model: Module) -> str:
    """The sha256 (64 hex digits) of every parameter and buffer, and of the scales of packed weights: names, dtypes,
    shapes and bytes."""
    hashed = hashlib.sha256()
    for name, tensor in _tensors(model):
        hashed.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        hashed.update(_bytes(tensor).cpu().numpy().data)
    return hashed.hexdigest()


def _tensors(model: Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers, tied ones once, in the model's own order; then what packed weights are stored in."""
    yield from model.named_parameters()
    yield from model.named_buffers()
    for name, weight in packed_weights(model).items():
        for kind, tensor in weight.tensors().items():
            yield f"{name}.{kind}", tensor


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def _row_sums(tensors: Sequence[Tensor]) -> list[Tensor]:
    """For each tensor one int64 for every row of 8192 words of 4 bytes, the last one filled up with zeros: the sum,
    modulo 2^64, of every word times the number of its place.

    Two rows that differ by d_i in word i, |d_i| < 2^32, have the same sum where Σ d_i m_i is a multiple of 2^64. One
    d_i alone never makes it one, for m_i is odd; several do, for numbers m_i that were drawn before, with a chance of
    at most 2^-32, for the smallest of the d_i has a bit below the 32nd. (Multilinear hashing; Lemire and Kaser,
    "Strongly universal string hashing is fast", 2014.)
    """
    all_sums: list[Tensor] = []
    parts: list[tuple[Tensor, Tensor]] = []
    for tensor in tensors:
        words = _words(tensor)
        sums = torch.empty(-(-len(words) // _ROW), dtype=torch.int64, device=words.device)
        all_sums.append(sums)
        if len(sums) > _TOGETHER:
            parts += zip(torch.split(words, _TOGETHER * _ROW), torch.split(sums, _TOGETHER), strict=True)
        else:  # too short to be worth another thread
            _sum((words, sums))
    spread(_sum, parts)
    return all_sums


def _words(tensor: Tensor) -> Tensor:
    """The bytes as int32 [words]; where the last word needs filling up, a copy."""
    raw = _bytes(tensor)
    if raw.numel() % 4 or raw.data_ptr() % 4:
        raw = torch.nn.functional.pad(raw, (0, -raw.numel() % 4))
    return raw.view(torch.int32)


def _sum(part: tuple[Tensor, Tensor]) -> None:
    """From words [n] to the sums of their rows [⌈n / 8192⌉]."""
    words, sums = part
    if words.is_cuda:
        rows = torch.nn.functional.pad(words, (0, -len(words) % _ROW)).view(-1, _ROW)
        torch.sum(rows * _numbers().to(words.device), dim=1, out=sums)
    else:
        _multiplied(words.numpy(), _numbers().numpy(), sums.numpy())


@compiled("void(int32[::1], int64[::1], int64[::1])")
def _multiplied(words: npt.NDArray[np.int32], numbers: npt.NDArray[np.int64], sums: npt.NDArray[np.int64]) -> None:
    for row in range(sums.size):
        some, total = words[row * _ROW : (row + 1) * _ROW], np.int64(0)
        for i in range(some.size):
            total += np.int64(some[i]) * numbers[i]
        sums[row] = total


@functools.cache
def _numbers() -> Tensor:
    """_ROW odd numbers of 64 bits, the same every time."""
    numbers = hashlib.shake_128(b"lesion").digest(8 * _ROW)
    return torch.frombuffer(bytearray(numbers), dtype=torch.int64) | 1
