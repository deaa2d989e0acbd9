"""What `load_in` means for the rest of a profile: which damage packed weights can take, and what its baselines are."""

from collections.abc import Iterable, Iterator
from typing import Any

from engine import catalog
from engine.errors import LesionError
from engine.profile.damage import Damage
from engine.profile.layers import place_of
from engine.profile.measures import Measure
from engine.profile.model_spec import ModelSpec


def check_packable(position: int, damage: Damage) -> None:
    """Raises LesionError where the damage, entry `position` of the profile, or a stage of it, cannot be done to
    codes."""
    for key, stages in {"before": damage.before, "then": damage.then}.items():
        for number, stage in enumerate(stages):
            _check_packable(f"damage.{position}.{key}.{number}", stage)
    _check_packable(f"damage.{position}", damage)


def _check_packable(key: str, damage: Damage) -> None:
    packed = [group for group in damage.groups if catalog.group(group).packable]
    if not packed:
        return
    dense = " or ".join(name for name, info in catalog.groups().items() if not info.packable)
    mend = f"damage {dense}, or leave model.load_in out"
    if not catalog.method(damage.method).on_codes:
        text = f"{damage.method} changes the bits of numbers, and model.load_in stores those of {packed[0]} as codes"
        raise LesionError(f"{text}: {mend}", field=f"{key}.method")
    try:
        damage.typed_options.check_codes()
    except LesionError as error:
        raise LesionError(str(error), field=f"{key}.{error.field}") from None
    score = damage.select.score if damage.select else None
    if score is not None and not catalog.score(score).on_codes:
        known = ", ".join(name for name, info in catalog.scores().items() if info.on_codes)
        text = f"{score} needs gradients, which the codes that model.load_in makes of {packed[0]} do not have"
        raise LesionError(f"{text}: give one of {known}; or {mend}", field=f"{key}.select.score")


def check_measurable(position: int, measure: Measure) -> None:
    """Raises LesionError where the measurement, entry `position` of the profile, cannot be made on codes."""
    try:
        measure.check_codes()
    except LesionError as error:
        raise LesionError(f"{error}: leave model.load_in out", field=f"measure.{position}.{error.field}") from None


def requantising(model: ModelSpec, tables: Iterable[Damage]) -> Iterator[tuple[Damage, str]]:
    """The baselines of damage to packed weights, each place that is damaged once: (damage `requantise`, group)."""
    seen = set()
    for damage in (single for table in tables if model.load_in != "none" for single in table.singles):
        if catalog.method(damage.method).acts_on == "blocks":
            continue
        plain = damage.model_copy(update={"method": "requantise", "levels": (), "options": {}, "select": None})
        for group in damage.groups:
            place = (group, *(place_of(numbers) for numbers in (damage.layers, damage.heads, damage.experts)))
            if catalog.group(group).packable and place not in seen:
                seen.add(place)
                yield plain, group


def loading_identity(spec: ModelSpec) -> dict[str, Any]:
    """Options of codes, where they are not the usual ones."""
    unusual = {"quant_type": spec.quant_type not in (None, "nf4"), "double_quant": bool(spec.double_quant)}
    return {key: getattr(spec, key) for key, counts in unusual.items() if counts}
