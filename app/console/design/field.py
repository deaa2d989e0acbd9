"""What a line of the form and a section of it are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.console.design.fieldtext import Kind
from app.console.shared.pick import Choice


@dataclass(frozen=True)
class Field:
    """One line of the form."""

    key: str
    """The dotted key of the profile that it edits."""
    label: str
    kind: Kind
    hint: str
    """What it means and what is accepted; shown while the field has the focus."""
    default: str = ""
    """What holds while it is empty."""
    choices: Callable[[], tuple[Choice, ...]] | None = None
    """What Enter offers."""

    @property
    def many(self) -> bool:
        """Whether several of the choices may be taken."""
        return self.kind == "names"


@dataclass(frozen=True)
class Section:
    """Fields under one heading. `kind` and `index` are those of a damage or a measurement, which can be removed."""

    title: str
    fields: tuple[Field, ...]
    kind: str = ""
    index: int = 0


def choices(infos: Mapping[str, Any]) -> tuple[Choice, ...]:
    """The entries of a catalog as choices."""
    return tuple((name, info.summary) for name, info in infos.items())


def flag_choices() -> tuple[Choice, ...]:
    """Yes and no."""
    return (("yes", ""), ("no", ""))
