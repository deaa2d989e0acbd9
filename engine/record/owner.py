"""Who has a run: the content of a lock file."""

from dataclasses import dataclass

from engine.record.fields import Fields, sparse
from engine.record.kinds import Amount, Count, Flag, Text
from engine.record.lines import parse


@dataclass(frozen=True, kw_only=True)
class Owner(Fields):
    """A runner; all is None where the file does not tell it."""

    host: Text | None = None
    pid: Count | None = None
    started: Amount | None = None
    """When it took the lock, in Unix seconds."""
    place: Text | None = None
    """Where its process number is valid, see engine.runs.owner.place."""
    birth: Text | None = None
    """What tells its process from others of the same number, see engine.runs.owner.birth."""
    free: Flag | None = sparse()
    """Whether it gave the lock back."""


def read_owner(content: bytes) -> Owner:
    """The owner that a lock file names."""
    plain = parse(content)
    return Owner() if plain is None or Owner.fault(plain) else Owner.decode(plain)
