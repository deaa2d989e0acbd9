"""Typed things of a run's files: their fields say in their annotations what they hold, and that is their validator.

They are frozen dataclasses, made of one JSON object each and written once. Only the manifest is a TypedDict (see
engine.record.manifest). Reading forgives what it can: keys of later versions are passed over, and a field with a
default may be missing, as in files of earlier versions. Writing forgives nothing.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Self, Union, get_args, get_origin, get_type_hints, is_typeddict

from engine.errors import shortened
from engine.record.kinds import Kind, anything, as_it_is, listed, maybe, named, one_of
from engine.record.lines import Plain

_SPARSE = "sparse"


def sparse() -> Any:
    """A field that is left out of the file where it is None."""
    return field(default=None, metadata={_SPARSE: True})


class Spec(NamedTuple):
    """A field: its name, what it holds, whether one that is read must have it, and whether it is left out where it is
    None."""

    name: str
    kind: Kind
    needed: bool
    sparse: bool


class Fields:
    """What every typed thing can do; its subclasses are frozen dataclasses."""

    @classmethod
    def fault(cls, plain: Mapping[str, Any]) -> str | None:
        """The name of the first field that is of another kind, or needed and not there; None where there is none."""
        for name, kind, needed, _ in specs(cls):
            if name not in plain:
                if needed:
                    return name
            elif type(value := plain[name]) not in kind.sure and not kind.fits(value):
                return name
        return None

    @classmethod
    def decode(cls, plain: Mapping[str, Any]) -> Self:
        """Of a JSON object without a `fault`."""
        present = {spec.name: plain[spec.name] for spec in specs(cls) if spec.name in plain}
        for spec in specs(cls):
            if spec.kind.read is not as_it_is and spec.name in present:
                present[spec.name] = spec.kind.read(present[spec.name])
        return cls(**present)

    def check(self) -> None:
        """Raises ValueError for a field that holds what it may not: that is a mistake of ours, or of a package."""
        for spec in specs(type(self)):
            require(f"{type(self).__name__}.{spec.name}", spec.kind, getattr(self, spec.name))

    def encode(self) -> Plain:
        """The JSON object. Raises ValueError as `check` does."""
        self.check()
        values = ((spec, getattr(self, spec.name)) for spec in specs(type(self)))
        return {spec.name: spec.kind.written(one) for spec, one in values if not (spec.sparse and one is None)}


def require(what: str, kind: Kind, value: object) -> None:
    """Raises ValueError for a value that is not of its kind."""
    if not kind.fits(value):
        raise ValueError(f"{what} is {shortened(repr(value))}, where {kind.words} is expected")


_SPECS: dict[type, tuple[Spec, ...]] = {}


def specs(cls: type) -> tuple[Spec, ...]:
    """The fields of a typed thing, in the order in which they are written; worked out once."""
    if cls not in _SPECS:
        hints = get_type_hints(cls, include_extras=True)
        if is_typeddict(cls):
            _SPECS[cls] = tuple(Spec(name, kind_of(hint), False, True) for name, hint in hints.items())
        else:
            _SPECS[cls] = tuple(_spec(one, kind_of(hints[one.name])) for one in fields(cls))
    return _SPECS[cls]


def _spec(one: Field[Any], kind: Kind) -> Spec:
    needed = one.default is MISSING and one.default_factory is MISSING
    return Spec(one.name, kind, needed, one.metadata.get(_SPARSE, False))


def kind_of(annotation: Any) -> Kind:
    """The kind that an annotation stands for."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return next(one for one in annotation.__metadata__ if isinstance(one, Kind))
    if origin in (Union, UnionType):
        [only] = (one for one in arguments if one is not NoneType)
        return maybe(kind_of(only))
    if origin is Literal:
        return one_of(*arguments)
    if origin in (tuple, list):
        return listed(kind_of(arguments[0]))
    if origin in (Mapping, dict):
        return named(kind_of(arguments[1]))
    if annotation is object:
        return anything
    if is_typeddict(annotation):
        return _table_of(annotation)
    if issubclass(annotation, Fields):
        return _nested(annotation)
    raise TypeError(f"no kind of value is known for {annotation}")


def _nested(cls: type[Fields]) -> Kind:
    return Kind(
        cls.__name__,
        lambda value: isinstance(value, cls) or (isinstance(value, dict) and cls.fault(value) is None),
        cls.decode,
        lambda value: value.encode(),
    )


def _table_of(cls: type) -> Kind:
    """A TypedDict, of which any field may be missing."""

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(
            spec.kind.fits(value[spec.name]) for spec in specs(cls) if spec.name in value
        )

    return Kind(cls.__name__, fits)
