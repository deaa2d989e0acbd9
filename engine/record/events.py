"""Events of a run as they are read: each with the fields that its kind has, or left out with a reason."""

from engine.errors import quoted
from engine.record.kinds import Kind, amount, count, listed, maybe, moment, table, text, unusable
from engine.record.lines import Record, parse

_ALL: dict[str, Kind] = {"t": moment, "event": text}
_START: dict[str, Kind] = {"total": count, "done": count, "seconds": amount, "host": maybe(text)}
_REQUIRED: dict[str, dict[str, Kind]] = {
    "state": {"state": text},
    "trial": {"trial": text, "phase": text},
    "model": {"model": text, "state": text},
    "memory": {"devices": listed(table)},
    "worker": {"state": text},
    "warning": {"text": text},
    "error": {"text": text},
}
_OTHERS: dict[str, dict[str, Kind]] = {
    "started": _START,
    "resumed": _START,
    "state": {"text": maybe(text)},
    "trial": {"what": maybe(text)},
    "model": {"seconds": maybe(amount), "text": maybe(text)},
    "worker": {"device": maybe(text), "text": maybe(text)},
}
_DEVICE: dict[str, Kind] = {"name": text, "used": amount, "total": amount}
_DEVICE_OTHERS: dict[str, Kind] = {"worker": maybe(amount)}


def read_event(line: bytes) -> tuple[Record | None, str]:
    """The event of one line, or None and why it counts as none; of kinds that this version does not know, any event."""
    event = parse(line)
    if event is None:
        return None, "is not a JSON object"
    wrong = unusable(event, _ALL, {})
    kind = str(event.get("event"))
    wrong = wrong or unusable(event, _REQUIRED.get(kind, {}), _OTHERS.get(kind, {}))
    if not wrong and kind == "memory" and any(unusable(one, _DEVICE, _DEVICE_OTHERS) for one in event["devices"]):
        wrong = "devices"
    if wrong:
        return None, f"is an event {quoted(kind)} without a usable '{wrong}'"
    return event, ""
