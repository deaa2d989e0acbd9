"""A generated text, a line of generations.jsonl: what the measurement that wrote it tells, and of which trial it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from engine.record.fields import Fields, require, specs
from engine.record.kinds import Finite, Kind, Table, Text, Whole, count, maybe, text, unusable
from engine.record.lines import Plain

FOUND: dict[str, Kind] = {
    **dict.fromkeys(("index", "tokens_in", "tokens_out"), maybe(count)),
    **dict.fromkeys(("prompt", "text", "stop"), maybe(text)),
}
"""What Lesion reads of what a measurement tells of a text."""


@dataclass(frozen=True, kw_only=True)
class TextRecord(Fields):
    """A text that a model wrote in a trial.

    `found` is what the measurement tells, in its order; a measurement of a package may tell anything. In the file it
    stands between the other fields, not in a table of its own.
    """

    trial: Text
    """The key."""
    measurement: Text | None = None
    label: Text | None = None
    found: Table
    model: Text | None = None
    method: Text | None = None
    group: Text | None = None
    level: Finite | None = None
    seed: Whole | None = None

    @property
    def index(self) -> int | None:
        """The place of its prompt, from 0."""
        return self.found.get("index")

    @property
    def prompt(self) -> str | None:
        """What it goes on from."""
        return self.found.get("prompt")

    @property
    def text(self) -> str | None:
        """What the model wrote."""
        return self.found.get("text")

    @property
    def tokens_out(self) -> int | None:
        """Tokens written."""
        return self.found.get("tokens_out")

    @property
    def stop(self) -> str | None:
        """Why it ends: "eos" or "length"."""
        return self.found.get("stop")

    @classmethod
    def fault(cls, plain: Mapping[str, Any]) -> str | None:
        """As of all typed things, of a line of the file."""
        return super().fault({**plain, "found": {}}) or unusable(plain, {}, FOUND)

    @classmethod
    def decode(cls, plain: Mapping[str, Any]) -> Self:
        """Of a line of the file without a `fault`."""
        own = {spec.name for spec in specs(cls)}
        told = {name: value for name, value in plain.items() if name not in own}
        return super().decode({**plain, "found": told})

    def check(self) -> None:
        """As of all typed things, of what Lesion reads of `found` too."""
        super().check()
        for name, kind in FOUND.items():
            require(f"the text's {name}", kind, self.found.get(name))

    def encode(self) -> Plain:
        """The line of the file. Raises ValueError as `check` does."""
        plain: Plain = {}
        own = super().encode()
        for name, value in own.items():
            plain |= (
                {inner: one for inner, one in value.items() if inner not in own} if name == "found" else {name: value}
            )
        return plain

    @classmethod
    def refusal(cls, plain: Mapping[str, Any]) -> str | None:
        """What keeps a JSON object from being such a record, in words; None where nothing does."""
        if not text(plain.get("trial")):
            return "names no trial"
        wrong = cls.fault(plain)
        return f"has no usable {wrong!r}" if wrong else None
