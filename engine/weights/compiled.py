"""Plain loops over numbers, compiled to machine code by numba where torch would need a pass over memory for every step.

Compiled without any licence to reorder, fuse or approximate: every operation is rounded by itself as IEEE 754 says, so
the last bit does not depend on the processor, the operating system or the versions of numba and LLVM.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar, cast

import numba
import torch

Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")


def compiled(*signatures: str) -> Callable[[Function], Function]:
    """Compile a function of numpy arrays and scalars for exactly these types, one set of them or several. Arguments are
    not checked against the arrays' bounds, division by zero gives inf or nan, and other Python threads go on while it
    runs.

    The machine code is kept beside the source, or in the user's cache folder, for later processes; where neither can be
    written, it is made anew in every one.
    """

    def compile_(function: Function) -> Function:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}
        try:
            return cast(Function, numba.njit(list(signatures), cache=True, **options)(function))
        except (RuntimeError, OSError):
            return cast(Function, numba.njit(list(signatures), **options)(function))

    return compile_


def spread(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    """`work(item)` for all items: runs of them as long as one another, one for each thread that torch may use, the
    calling thread among them. Worth its while for functions that are compiled, or numpy's; torch has its own threads.
    """
    threads = min(torch.get_num_threads(), len(items))
    if threads < 2:
        _all(work, items)
        return
    bounds = [len(items) * share // threads for share in range(threads + 1)]
    others = [pool().submit(_all, work, items[low:high]) for low, high in pairwise(bounds[1:])]
    try:
        _all(work, items[: bounds[1]])
    finally:
        for other in others:
            other.result()


def pool() -> ThreadPoolExecutor:
    """Threads beside the calling one: as many as torch may use, less one, and at least one."""
    return _pool(max(1, torch.get_num_threads() - 1))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "loops")


def _all(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    for item in items:
        work(item)
