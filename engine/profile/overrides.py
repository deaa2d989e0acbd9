"""`--set key=value`: one key of a profile changed from the command line."""

from itertools import pairwise
from typing import Any

from engine.errors import LesionError, quoted, shortened
from engine.profile import toml
from engine.profile.names import is_utf8

_LONGEST_NUMBER = 9


def override(data: dict[str, Any], text: str) -> None:
    """Applies "dotted.key=value" to `data` in place. The value is TOML, or a bare string where it is not TOML.

    Raises LesionError where `text` has no key or no "=", or a step of the key leads nowhere.
    """
    key, equals, value = text.partition("=")
    steps = [step.strip() for step in key.split(".")]
    text = shortened(text)
    if not equals or not all(steps):
        raise LesionError(f"--set {text}: write it as key=value, such as seeds.count=2 or damage.0.levels=[0, 0.5]")
    if not is_utf8(f"{key}{value}"):
        raise LesionError(f"--set {text}: this is not text in UTF-8")
    if len(steps) > toml.DEEPEST:
        raise LesionError(f"--set {text}: a key of {len(steps):,} parts; at most {toml.DEEPEST} are accepted")
    content = _value(value, text)
    target: Any = data
    for step, following in pairwise(steps):
        target = _descend(target, step, following, text)
    if isinstance(target, list):
        target[_position(target, steps[-1], text)] = content
    elif isinstance(target, dict):
        target[steps[-1]] = content
    else:
        raise _nowhere(text, steps[-1])


def _descend(target: Any, step: str, following: str, text: str) -> Any:
    if isinstance(target, list):
        return target[_position(target, step, text)]
    if not isinstance(target, dict):
        raise _nowhere(text, step)
    if step not in target and following.isdecimal():
        raise LesionError(f"--set {text}: the profile has no {shortened(step)} to number", field=step)
    return target.setdefault(step, {})


def _position(target: list[Any], step: str, text: str) -> int:
    if not step.isdecimal() or len(step) > _LONGEST_NUMBER or int(step) >= len(target):
        accepted = f"; entries are numbered from 0 to {len(target) - 1}" if target else "; the list is empty"
        raise LesionError(f"--set {text}: there is no entry {quoted(step)} in that list{accepted}")
    return int(step)


def _nowhere(text: str, step: str) -> LesionError:
    return LesionError(f"--set {text}: there is nothing below the value that {quoted(step)} should be found in")


def _value(value: str, text: str) -> Any:
    """The value meant. Raises LesionError where it is TOML of a depth or length that no profile has."""
    try:
        parsed = toml.loads(f"value = {value}")
    except toml.TooMuchError as error:
        raise LesionError(f"--set {text}: {error}") from None
    except ValueError:
        return value.strip()
    return parsed["value"] if list(parsed) == ["value"] else value.strip()
