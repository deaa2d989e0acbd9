"""How a value of a profile is typed in a field, and back. What cannot be understood is passed on as the text that it
is: the profile's own check says what is wrong with it, in one place for files and forms."""

import re
from typing import Any, Literal

Kind = Literal["text", "names", "whole", "number", "flag", "levels", "layers", "prompts"]

_RANGE = re.compile(
    r"(?:from\s+)?(\S+)\s+to\s+(\S+)\s+in\s+(\d+)(?:\s+steps?)?(?:\s+(linear|geometric))?", re.IGNORECASE
)
_FLAGS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def show(kind: Kind, value: Any) -> str:
    """A value as text; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number_text(value)
    if kind == "levels" and isinstance(value, dict):
        return _range_text(value)
    if isinstance(value, list | tuple):
        return (" | " if kind == "prompts" else ", ").join(show("text", item) for item in value)
    return str(value)


def read(kind: Kind, text: str) -> Any:
    """The value that a text stands for; None for an empty one."""
    text = text.strip()
    if not text:
        return None
    match kind:
        case "names":
            return _split(text)
        case "whole":
            return _whole(text)
        case "number":
            return _number(text)
        case "flag":
            return _FLAGS.get(text.lower(), text)
        case "levels":
            return _levels(text)
        case "layers":
            return [int(part) for part in _split(text)] if re.fullmatch(r"[\d,\s]+", text) else text
        case "prompts":
            return [part.strip() for part in text.split("|") if part.strip()] if "|" in text else text
    return text


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _whole(text: str) -> int | float | str:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else _number(text)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _number_text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def _levels(text: str) -> Any:
    match = _RANGE.fullmatch(text)
    if match is None:
        return [_number(part) for part in _split(text)]
    start, stop, steps, spacing = match.groups()
    spread = {"from": _number(start), "to": _number(stop), "steps": int(steps)}
    return {**spread, "spacing": spacing.lower()} if spacing else spread


def _range_text(spread: dict[str, Any]) -> str:
    start, stop, steps = (show("text", spread.get(key)) or "?" for key in ("from", "to", "steps"))
    return f"{start} to {stop} in {steps} steps {spread.get('spacing') or ''}".rstrip()
