"""What every table of a profile shares: strict types, unknown keys refused, faults as sentences."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict, ValidationInfo, WithJsonSchema

from engine.errors import LesionError
from engine.profile.faults import fault, show
from engine.profile.layers import Layers, check_layers

Int = Annotated[int, Strict()]
Float = Annotated[float, Strict()]
Bool = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]

_LARGEST_COUNT = 10**12
_MOST_COUNTS = 10_000

Given = TypeVar("Given")
Found = TypeVar("Found")


class Table(BaseModel):
    """A table of a profile."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def accept(check: Callable[[Given], Found], value: Given) -> Found:
    """`check(value)`, with a LesionError turned into a fault of the key being validated."""
    try:
        return check(value)
    except LesionError as error:
        raise fault(error) from None


def refuse_repeats(values: Iterable[Any], what: str) -> None:
    """Raises a fault where one of `values` is listed twice."""
    seen = set()
    for value in values:
        if value in seen:
            raise fault(f"{what} {show(value)} is listed twice; once is enough")
        seen.add(value)


def must_exist(info: ValidationInfo) -> bool:
    """Whether the files that a profile names have to be there."""
    return bool((info.context or {}).get("must_exist", True))


def _check_counts(k: Any) -> Any:
    """A number of weights, or a list of such numbers in rising order as a tuple."""
    if not isinstance(k, list | tuple):
        return None if k is None else _check_count(k)
    if not k:
        raise fault("needs at least one entry")
    if len(k) > _MOST_COUNTS:
        raise fault(f"lists {len(k):,} numbers, and {_MOST_COUNTS:,} are the most")
    counts = [_check_count(count) for count in k]
    refuse_repeats(counts, "k")
    return tuple(sorted(counts))


def _check_count(count: Any) -> int:
    if not isinstance(count, int) or isinstance(count, bool):
        raise fault(f"must be a whole number, or a list of them, not {show(count)}")
    if not 1 <= count <= _LARGEST_COUNT:
        bound = "at least 1" if count < 1 else f"at most {_LARGEST_COUNT}"
        raise fault(f"must be {bound}, not {show(count)}")
    return count


_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1}
_SEVERAL = {"type": "array", "items": _COUNT, "minItems": 1, "uniqueItems": True}

Counts = Annotated[int | tuple[int, ...], BeforeValidator(_check_counts), WithJsonSchema({"anyOf": [_COUNT, _SEVERAL]})]
"""How many weights, or several such numbers."""

_LAYER = {"type": "integer", "minimum": 0}

WhichLayers = Annotated[
    Layers,
    BeforeValidator(lambda layers: accept(check_layers, layers)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}, _LAYER]}),
]
"""Layers as "0-5", "last 4", [1, 3] or one number."""
