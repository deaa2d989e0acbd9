"""Events as lines of events.jsonl: the bytes that have always been written, and what is read of them."""

import pytest

from engine.record.events import (
    Event,
    LoadedEvent,
    MemoryEvent,
    MemoryUse,
    ModelEvent,
    StartEvent,
    StateEvent,
    TrialEvent,
    WarningEvent,
    WorkerEvent,
    read_event,
)
from engine.record.lines import encode

LINES: list[tuple[Event, str]] = [
    (
        StartEvent(t=1.5, event="resumed", total=7, done=2, seconds=3.0, pid=9, host="h"),
        '{"t":1.5,"event":"resumed","total":7,"done":2,"seconds":3.0,"pid":9,"host":"h"}',
    ),
    (StateEvent(t=1.5, state="stopping"), '{"t":1.5,"event":"state","state":"stopping","text":""}'),
    (
        StateEvent(t=1.5, state="failed", text="full", seconds=2.25),
        '{"t":1.5,"event":"state","state":"failed","text":"full","seconds":2.25}',
    ),
    (
        TrialEvent(t=1.5, trial="k", index=0, phase="begin"),
        '{"t":1.5,"event":"trial","trial":"k","index":0,"phase":"begin"}',
    ),
    (
        TrialEvent(t=1.5, trial="k", index=0, phase="progress", what="perplexity 1/2"),
        '{"t":1.5,"event":"trial","trial":"k","index":0,"phase":"progress","what":"perplexity 1/2"}',
    ),
    (
        TrialEvent(t=1.5, trial="k", index=0, phase="end", status="ok"),
        '{"t":1.5,"event":"trial","trial":"k","index":0,"phase":"end","status":"ok"}',
    ),
    (ModelEvent(t=1.5, model="m"), '{"t":1.5,"event":"model","model":"m","state":"loading"}'),
    (
        LoadedEvent(t=1.5, model="m", seconds=0.5, revision=None, digest="d", parameters=3, dtype="float32"),
        '{"t":1.5,"event":"model","model":"m","state":"ready","seconds":0.5,"revision":null,"digest":"d",'
        '"parameters":3,"dtype":"float32"}',
    ),
    (
        MemoryEvent(t=1.5, devices=(MemoryUse(name="RAM", used=1, total=2, worker=0),)),
        '{"t":1.5,"event":"memory","devices":[{"name":"RAM","used":1,"total":2,"worker":0}]}',
    ),
    (
        WorkerEvent(t=1.5, state="started", device="cpu", pid=9),
        '{"t":1.5,"event":"worker","state":"started","device":"cpu","pid":9,"text":""}',
    ),
    (
        WorkerEvent(t=1.5, state="lost", device="cpu", text="why"),
        '{"t":1.5,"event":"worker","state":"lost","device":"cpu","text":"why"}',
    ),
    (WarningEvent(t=1.5, text="odd"), '{"t":1.5,"event":"warning","text":"odd"}'),
]


@pytest.mark.parametrize(("event", "line"), LINES, ids=lambda value: value[20:60] if isinstance(value, str) else "")
def test_bytes_there_and_back(event: Event, line: str) -> None:
    assert encode(event.encode()) == line.encode() + b"\n"
    assert read_event(line.encode()) == (event, "")


def test_what_we_write_is_checked() -> None:
    wrong = StartEvent(event="started", total="many")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"StartEvent\.total is 'many', where count is expected"):
        wrong.encode()


def test_what_others_write_is_forgiven() -> None:
    event, _ = read_event(b'{"t":1,"event":"started","colour":"red"}')
    assert event == StartEvent(t=1, event="started", total=0, done=0, seconds=0.0, host=None)
    later, _ = read_event(b'{"t":1,"event":"eclipse","at":[1]}')
    assert later == Event(t=1, event="eclipse")
    assert read_event(b'{"t":1,"event":"model","model":"m","state":"ready"}')[0] == ModelEvent(
        t=1, model="m", state="ready"
    )
    assert read_event(b"[]") == (None, "is not a JSON object")
    assert read_event(b'{"event":"eclipse"}') == (None, "is an event 'eclipse' without a usable 't'")
