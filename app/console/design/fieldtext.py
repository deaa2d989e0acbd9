"""How a value of a profile is typed in a field, and back. What cannot be understood is passed on as the text that it
is: the profile's own check says what is wrong with it, in one place for files and forms."""

import re
from collections.abc import Callable
from typing import Any, Literal

from engine.profile import toml
from engine.profile.toml_lines import on_one_line

Kind = Literal["text", "names", "whole", "number", "flag", "levels", "layers", "prompts", "counts", "weights", "toml"]

_RANGE = re.compile(
    r"(?:from\s+)?(\S+)\s+to\s+(\S+)\s+in\s+(\d+)(?:\s+steps?)?(?:\s+(linear|geometric))?", re.IGNORECASE
)
_WHOLE = re.compile(r"[+-]?\d{1,100}")
"""A whole number that Python reads and shows in no time."""
_FLAGS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def show(kind: Kind, value: Any) -> str:
    """A value as text; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool) and kind != "toml":
        return "yes" if value else "no"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_text(value)
    if kind == "levels" and isinstance(value, dict) and "find" not in value:
        return _range_text(value)
    if kind == "toml" or isinstance(value, dict):
        return value if isinstance(value, str) else on_one_line(value)
    if kind == "weights" and isinstance(value, list):
        return " | ".join(" ".join(show("text", part) for part in _parts(weight)) for weight in value)
    if isinstance(value, list | tuple):
        return (" | " if kind == "prompts" else ", ").join(show("text", item) for item in value)
    return str(value)


def read(kind: Kind, text: str) -> Any:
    """The value that a text stands for; None for an empty one."""
    text = text.strip()
    return _READERS[kind](text) if text else None


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _whole(text: str) -> int | float | str:
    return int(text) if _WHOLE.fullmatch(text) else _number(text)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _parts(weight: Any) -> list[Any]:
    return list(weight) if isinstance(weight, list | tuple) else [weight]


def _weight(text: str) -> list[int | str]:
    """A parameter's name and indices: "model.embed.weight 3 7"."""
    name, *indices = text.split()
    return [name, *(int(index) if _WHOLE.fullmatch(index) else index for index in indices)]


def _toml(text: str) -> Any:
    try:
        return toml.loads(f"value = {text}")["value"]
    except (ValueError, KeyError):
        return text


def _number_text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def _levels(text: str) -> Any:
    match = _RANGE.fullmatch(text)
    if text.startswith("{"):  # a level to be found
        return _toml(text)
    if match is None:
        return [_number(part) for part in _split(text)]
    start, stop, steps, spacing = match.groups()
    spread = {"from": _number(start), "to": _number(stop), "steps": _whole(steps)}
    return {**spread, "spacing": spacing.lower()} if spacing else spread


def _range_text(spread: dict[str, Any]) -> str:
    start, stop, steps = (show("text", spread.get(key)) or "?" for key in ("from", "to", "steps"))
    return f"{start} to {stop} in {steps} steps {spread.get('spacing') or ''}".rstrip()


def _flag(text: str) -> bool | str:
    return _FLAGS.get(text.lower(), text)


def _layers(text: str) -> list[int] | str:
    numbers = _split(text)
    return [int(part) for part in numbers] if numbers and all(map(_WHOLE.fullmatch, numbers)) else text


def _prompts(text: str) -> list[str] | str:
    return [part.strip() for part in text.split("|") if part.strip()] if "|" in text else text


def _counts(text: str) -> Any:
    return [_whole(part) for part in _split(text)] if "," in text else _whole(text)


def _weights(text: str) -> list[list[int | str]]:
    return [_weight(part) for part in text.split("|") if part.strip()]


_READERS: dict[Kind, Callable[[str], Any]] = {
    "text": str,
    "names": _split,
    "whole": _whole,
    "number": _number,
    "flag": _flag,
    "levels": _levels,
    "layers": _layers,
    "prompts": _prompts,
    "counts": _counts,
    "weights": _weights,
    "toml": _toml,
}
