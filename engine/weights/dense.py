"""Dense copies of slices, in which the numbers of packed weights are read and changed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from torch.nn import Parameter

from engine.weights.slices import Slice


def dense(slices: Iterable[Slice]) -> list[Slice]:
    """The same slices, those of packed weights as slices of dense copies, one for each parameter."""
    copies: dict[str, Parameter] = {}
    unpacked = []
    for piece in slices:
        if piece.packed is not None:
            if piece.parameter not in copies:
                copies[piece.parameter] = Parameter(piece.packed.unpack(), requires_grad=False)
            piece = replace(piece, tensor=copies[piece.parameter], packed=None)
        unpacked.append(piece)
    return unpacked


@contextmanager
def opened(slices: Iterable[Slice]) -> Iterator[list[Slice]]:
    """The slices as `dense` gives them, to be changed in place; at the end every parameter that was packed is packed
    again, as a whole."""
    originals = list(slices)
    pieces = dense(originals)
    yield pieces
    done: set[str] = set()
    for original, piece in zip(originals, pieces, strict=True):
        if original.packed is not None and piece.parameter not in done:
            done.add(piece.parameter)
            original.packed.pack(piece.tensor.detach())
