"""Undoing damage exactly, and proving it: snapshots of slices, and digests of a whole model."""

import functools
import hashlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import Module

from engine.models.slices import Slice

_ROW = 65536  # words of 4 bytes: 256 kB
_ROWS_ON_GPU = 256
_FACTOR = -0x61C88647


class Snapshot:
    """A copy of some slices, kept on their device; nothing else of the model is copied."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        self._kept = [(piece, piece.gather().clone() if piece.ranges is None else piece.gather()) for piece in slices]

    @property
    def bytes(self) -> int:
        """The memory that the snapshot holds."""
        return sum(piece.bytes for piece, _ in self._kept)

    def restore(self) -> None:
        """Write every slice back, bit by bit as it was; may be called again."""
        for piece, weights in self._kept:
            piece.scatter(weights)


def digest(model: Module) -> str:
    """A digest (32 hex digits) of every parameter and buffer: names, dtypes, shapes, and bytes by their position.

    Runs at about the speed of memory, on the tensors' device, to prove a restore. A change within one aligned 4-byte
    word always shows; others escape with a chance of about 2^-32 (at worst 2^-16, where words that differ in their
    highest bit alone change places). For identity across time and place use `weights_digest`.
    """
    tensors = list(_tensors(model))
    hashed = hashlib.blake2b(digest_size=16)
    for (name, tensor), sums in zip(tensors, [_row_sums(tensor) for _, tensor in tensors], strict=True):
        hashed.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        hashed.update(sums.cpu().numpy().tobytes())
    return hashed.hexdigest()


def weights_digest(model: Module) -> str:
    """The sha256 (64 hex digits) of every parameter and buffer: names, dtypes, shapes and bytes."""
    hashed = hashlib.sha256()
    for name, tensor in _tensors(model):
        hashed.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        hashed.update(_bytes(tensor).cpu().numpy().data)
    return hashed.hexdigest()


def _tensors(model: Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers, tied ones once, in the model's own order."""
    yield from model.named_parameters()
    yield from model.named_buffers()


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def _row_sums(tensor: Tensor) -> Tensor:
    """One int64 for every row of 65536 words of 4 bytes: the sum of a one-to-one function of every word, which is
    another one at every position of the row."""
    raw = _bytes(tensor)
    if raw.data_ptr() % 4:
        raw = raw.clone()
    whole = raw.numel() // (4 * _ROW)
    rows = raw[: whole * 4 * _ROW].view(torch.int32).view(whole, _ROW)
    rest = raw.new_zeros(4 * _ROW)
    rest[: raw.numel() - whole * 4 * _ROW] = raw[whole * 4 * _ROW :]
    last = rest.view(torch.int32).view(1, _ROW)
    together = min(whole, _ROWS_ON_GPU) if tensor.is_cuda else 1
    odd = _odd_numbers().to(tensor.device)
    mixed, shifted = torch.empty(2, max(together, 1), _ROW, dtype=torch.int32, device=tensor.device)
    sums = []
    for words in (*torch.split(rows, max(together, 1)), last):
        sums.append(_mixed_sum(words, odd, mixed[: len(words)], shifted[: len(words)]))
    return torch.cat(sums)


def _mixed_sum(words: Tensor, odd: Tensor, mixed: Tensor, shifted: Tensor) -> Tensor:
    """The sum over each row; `mixed` and `shifted` are memory to work in, shaped like `words`."""
    torch.mul(words, _FACTOR, out=mixed)
    mixed.bitwise_xor_(torch.bitwise_right_shift(mixed, 16, out=shifted).bitwise_and_(0xFFFF))
    mixed.mul_(odd)
    mixed.bitwise_xor_(torch.bitwise_right_shift(mixed, 15, out=shifted).bitwise_and_(0x1FFFF))
    return mixed.view(torch.int64).sum(dim=1)


@functools.cache
def _odd_numbers() -> Tensor:
    """_ROW odd numbers of 32 bits, the same every time."""
    numbers = hashlib.shake_128(b"lesion").digest(4 * _ROW)
    return torch.frombuffer(bytearray(numbers), dtype=torch.int32) | 1
