"""Messages between the runner and a worker: each comes back as it was said, and nothing else is taken for one."""

import math

import pytest

from engine.profile import Trial
from engine.record.lines import encode
from engine.record.messages import (
    ANSWERS,
    REQUESTS,
    Answer,
    AtWork,
    Done,
    Fatal,
    Finished,
    Hello,
    Loaded,
    Loading,
    PackRequest,
    Quit,
    Ready,
    Request,
    Result,
    Saved,
    SaveRequest,
    Warn,
    read_answer,
    read_request,
)
from engine.record.texts import TextRecord

TRIAL = Trial(
    key="k",
    index=0,
    model="m",
    baseline=False,
    method="mask",
    group="all",
    layers=(1, 2),
    level=1.0,
    seed=42,
    heads=(0,),
    experts="0-3",
    options={"per": "channel"},
    select={"by": "given", "coordinates": [["w", 1, 2]]},
    former_keys=("old",),
)
SAID: list[Request] = [
    Hello(
        profile="x",
        folder="/f",
        device="cpu",
        threads=1,
        trust_remote_code=False,
        batch={"m": {"p": 2}},
        places={"m": "/"},
    ),
    PackRequest(trials=(TRIAL,), recorded=("a", "b")),
    SaveRequest(trials=(TRIAL,), target="/t"),
    Quit(),
]
TOLD: list[Answer] = [
    Ready(device="cpu", facts={"torch": "2", "cpu": None, "settings": {}}),
    Loading(model="m"),
    Loaded(model="m", seconds=0.5, revision=None, digest="d", parameters=3, dtype="float32"),
    AtWork(trial="k", what="perplexity 1/2"),
    Warn(text="odd"),
    Done(
        trial="k",
        record=Result(status="ok", metrics={"nll": math.inf}, artifacts=("artifacts/k-x.json",)),
        generations=(TextRecord(trial="k", measurement="own", found={"text": "\ud800"}),),
        files={"artifacts/k-x.json": "{}\n"},
    ),
    Finished(),
    Saved(touched=3, metrics={"train_loss": math.nan}, adapters=1),
    Fatal(text="no"),
]


@pytest.mark.parametrize("request_", SAID, ids=lambda one: type(one).__name__)
def test_requests(request_: Request) -> None:
    assert read_request(encode(request_.encode())) == request_


@pytest.mark.parametrize("answer", TOLD, ids=lambda one: type(one).__name__)
def test_answers(answer: Answer) -> None:
    assert read_answer(encode(answer.encode())) == answer


def test_all_of_them_were_said() -> None:
    assert {type(one) for one in SAID} == set(REQUESTS.values())
    assert {type(one) for one in TOLD} == set(ANSWERS.values())


@pytest.mark.parametrize("line", [b"", b"loading: 3%", b"[]", b'{"say":"done"}', b'{"say":"dance"}', b'{"say":'])
def test_what_a_library_prints_is_no_answer(line: bytes) -> None:
    assert read_answer(line) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [(b"{}", "a request None without a usable 'do'"), (b'{"do":"pack"}', "'pack' without a usable 'trials'")],
)
def test_what_is_no_request_ends_the_worker(line: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_request(line)
