"""What installed packages add to the catalog, through the entry point group `lesion.catalog`.

Read once, when the catalog is first asked for something. A package that cannot be read, or a thing in it that cannot be
used, is left out with a sentence (`faults`): it never keeps the rest of Lesion from working. No package gets to load
torch here, for the terminal reads the catalog.
"""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

from engine.catalog.infos import Additions
from engine.errors import LesionError

GROUP = "lesion.catalog"

SWITCH = "LESION_NO_ADDITIONS"
"""The environment variable that, set to anything, leaves all packages out."""

KINDS = tuple(field.name for field in fields(Additions))

_HEAVY = ("torch", "transformers")


@dataclass(frozen=True)
class Package:
    """An installed package with entry points of the group. `additions`: what of it is used; `faults`: what is not, and
    why, in sentences."""

    name: str
    version: str
    additions: Additions
    faults: tuple[str, ...]

    @property
    def title(self) -> str:
        """`lesion-clamp 1.0`."""
        return f"{self.name} {self.version}"


@cache
def packages() -> tuple[Package, ...]:
    """Every installed package that adds something, or tries to, by name."""
    if os.environ.get(SWITCH):
        return ()
    loaded: list[Package] = []
    for distribution, points in _installed():
        loaded.append(_read(distribution, points, loaded))
    return tuple(loaded)


@cache
def added() -> Additions:
    """What all packages add; of every thing `package` says which."""
    return _joined(package.additions for package in packages())


@cache
def faults() -> tuple[str, ...]:
    """What cannot be used of the packages, and why: a sentence each."""
    return tuple(fault for package in packages() for fault in package.faults)


@cache
def versions() -> dict[str, str]:
    """The packages and their versions, for the record."""
    return {package.name: package.version for package in packages()}


def _installed() -> list[tuple[Distribution, list[EntryPoint]]]:
    """The distributions with entry points of the group, by name; of one that is found twice, the first, which is the
    one that Python imports."""
    by_name: dict[str, tuple[Distribution, list[EntryPoint]]] = {}
    seen = set()
    for distribution in distributions():
        name = str(distribution.metadata["Name"]).lower().replace("_", "-")
        points = [point for point in distribution.entry_points if point.group == GROUP]
        if points and name not in seen:
            by_name[name] = (distribution, points)
        seen.add(name)
    return [by_name[name] for name in sorted(by_name)]


def _read(distribution: Distribution, points: Sequence[EntryPoint], before: Sequence[Package]) -> Package:
    from engine.catalog.checks import complaint

    name, version = str(distribution.metadata["Name"]), distribution.version
    known = _joined(package.additions for package in before)
    wrong: list[str] = []
    for point in points:
        try:
            with _REFUSAL.to_this_thread():
                additions = point.load()
                listed = [(kind, info) for kind in KINDS for info in _list(additions, kind)]
        except (Exception, SystemExit) as error:
            wrong.append(f"the package {name} {version} adds nothing by {point.value}: {_sentence(error)}")
            continue
        for kind, info in listed:
            with _REFUSAL.to_this_thread():
                reason = complaint(kind, info, known)
            if reason is None:
                entry = replace(info, package=f"{name} {version}")
                known = replace(known, **{kind: (*getattr(known, kind), entry)})
            else:
                what = getattr(info, "name", info)
                wrong.append(f"the package {name} {version} adds no {kind[:-1].replace('_', ' ')} {what!r}: {reason}")
    return Package(name, version, _only(known, f"{name} {version}"), tuple(wrong))


def _list(additions: Any, kind: str) -> list[Any]:
    if not isinstance(additions, Additions):
        raise LesionError(f"that is no Additions of engine.catalog, but of type {type(additions).__name__}")
    return list(getattr(additions, kind))


def _only(known: Additions, title: str) -> Additions:
    """What the package of this title adds."""
    mine = {kind: tuple(info for info in getattr(known, kind) if info.package == title) for kind in KINDS}
    return Additions(**mine)


def _joined(every: Iterator[Additions] | Sequence[Additions]) -> Additions:
    listed = list(every)
    return Additions(**{kind: tuple(info for one in listed for info in getattr(one, kind)) for kind in KINDS})


def _sentence(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, LesionError | _HeavyImportError) else f"{type(error).__name__}: {said}"


class _HeavyImportError(ImportError):
    """A package imports torch where it must not."""


class _Refusal(MetaPathFinder):
    """Finds nothing, and refuses the modules that take seconds to load, to threads that read packages.

    It stays among the finders: one that is taken out makes an import that another thread is at skip the next finder.
    """

    def __init__(self) -> None:
        self._reading = threading.local()

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Raises _HeavyImportError for them."""
        if fullname.partition(".")[0] in _HEAVY and getattr(self._reading, "here", False):
            raise _HeavyImportError(
                f"it imports {fullname}, which takes seconds that the terminal has not: import it in the modules that "
                "its implementations are in, and not in the one that names them",
                name=fullname,
            )

    @contextmanager
    def to_this_thread(self) -> Iterator[None]:
        """While entered, this thread cannot import them, unless they are loaded already."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        before, self._reading.here = getattr(self._reading, "here", False), True
        try:
            yield
        finally:
            self._reading.here = before


_REFUSAL = _Refusal()
