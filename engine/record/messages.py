"""What the runner and a worker say to each other: JSON lines over the worker's stdin and stdout."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

from engine.profile import Trial
from engine.record.fields import Fields, sparse
from engine.record.kinds import Amount, Count, Figure, Flag, Kind, Text, listed, table
from engine.record.lines import parse
from engine.record.manifest import WorkerFacts
from engine.record.texts import TextRecord
from engine.record.trials import Status

Trials = Annotated[
    tuple[Trial, ...],
    listed(Kind("Trial", lambda value: isinstance(value, Trial) or table(value), Trial.of, asdict)),
]


@dataclass(frozen=True, kw_only=True)
class Request(Fields):
    """What the runner asks of a worker."""

    do: Text


@dataclass(frozen=True, kw_only=True)
class Hello(Request):
    """Comes first: what the worker works for, and on."""

    do: Literal["hello"] = "hello"
    profile: Text
    """TOML."""
    folder: Text
    """The run directory."""
    device: Text
    threads: Count
    trust_remote_code: Flag
    batch: Mapping[str, Mapping[str, Count]]
    """Batch sizes that fitted before, by model and measurement."""
    places: Mapping[str, Text] = field(default_factory=dict)
    """Where the files of a trial's model lie, where it is not there."""


@dataclass(frozen=True, kw_only=True)
class PackRequest(Request):
    """Run these trials, in order, but those whose keys are recorded already."""

    do: Literal["pack"] = "pack"
    trials: Trials
    recorded: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class SaveRequest(Request):
    """Do what the last of these trials asks for, by way of the others where they are one walk, and write the model."""

    do: Literal["save"] = "save"
    trials: Trials
    target: Text
    """An empty folder."""


@dataclass(frozen=True, kw_only=True)
class Quit(Request):
    """End."""

    do: Literal["quit"] = "quit"


@dataclass(frozen=True, kw_only=True)
class Answer(Fields):
    """What a worker tells the runner."""

    say: Text


@dataclass(frozen=True, kw_only=True)
class Ready(Answer):
    """After hello: the device, and what it computes with (see engine.work.device.device_facts)."""

    say: Literal["ready"] = "ready"
    device: Text
    facts: WorkerFacts


@dataclass(frozen=True, kw_only=True)
class Loading(Answer):
    """A model is about to be loaded."""

    say: Literal["loading"] = "loading"
    model: Text


@dataclass(frozen=True, kw_only=True)
class Loaded(Answer):
    """A model is loaded."""

    say: Literal["loaded"] = "loaded"
    model: Text
    seconds: Amount
    revision: Text | None
    """The commit on the Hub; None of files and of bundled models."""
    digest: Text
    """Of all weights as they are in memory."""
    parameters: Count
    dtype: Text


@dataclass(frozen=True, kw_only=True)
class AtWork(Answer):
    """How far a trial is: a measurement, batches done and batches in all."""

    say: Literal["progress"] = "progress"
    trial: Text
    what: Text


@dataclass(frozen=True, kw_only=True)
class Warn(Answer):
    """A sentence that the user should see."""

    say: Literal["warning"] = "warning"
    text: Text


@dataclass(frozen=True, kw_only=True)
class Result(Fields):
    """What became of a trial; the fields are those of its record."""

    status: Status
    metrics: Mapping[str, Figure] = field(default_factory=dict)
    texts: Count = 0
    touched: Count | None = None
    error: Text | None = None
    parameters: Count | None = None
    batch: Mapping[str, Count] = field(default_factory=dict)
    seconds: Amount | None = None
    peak_bytes: Amount | None = None
    device: Text | None = None
    threads: Count | None = None
    artifacts: tuple[Text, ...] | None = sparse()


@dataclass(frozen=True, kw_only=True)
class Done(Answer):
    """A trial of the pack has a result; once for every one that was not recorded."""

    say: Literal["done"] = "done"
    trial: Text
    record: Result
    generations: tuple[TextRecord, ...] = ()
    files: Mapping[str, Text] = field(default_factory=dict)
    """The content of files, by their names in the run directory."""


@dataclass(frozen=True, kw_only=True)
class Finished(Answer):
    """After the last trial of a pack, when the model is as it was loaded."""

    say: Literal["finished"] = "finished"


@dataclass(frozen=True, kw_only=True)
class Saved(Answer):
    """The model is written, and loading it again gave the same weights and logits, bit for bit."""

    say: Literal["saved"] = "saved"
    touched: Count
    """Weights that the damage changed."""
    metrics: Mapping[str, Figure]
    """Numbers of the method's own."""
    adapters: Count
    """How many sets of adapters lie beside the model, which are not in its weights."""


@dataclass(frozen=True, kw_only=True)
class Fatal(Answer):
    """Why no result of this worker can be trusted, or none will ever come; the process ends with status 1."""

    say: Literal["fatal"] = "fatal"
    text: Text


REQUESTS: dict[str, type[Request]] = {"hello": Hello, "pack": PackRequest, "save": SaveRequest, "quit": Quit}
"""By what they ask to do."""

ANSWERS: dict[str, type[Answer]] = {
    "ready": Ready,
    "loading": Loading,
    "loaded": Loaded,
    "progress": AtWork,
    "warning": Warn,
    "done": Done,
    "finished": Finished,
    "saved": Saved,
    "fatal": Fatal,
}
"""By what they say."""


def read_request(line: bytes) -> Request:
    """The request of one line. Raises ValueError for anything else: the runner is of the same version."""
    plain = parse(line) or {}
    cls = REQUESTS.get(str(plain.get("do")), Request)
    if cls is Request or (wrong := cls.fault(plain)):
        raise ValueError(f"a request {plain.get('do')!r} without a usable {wrong if cls is not Request else 'do'!r}")
    return cls.decode(plain)


def read_answer(line: bytes) -> Answer | None:
    """The answer of one line; None where it is not one: nothing that such a worker says can be trusted."""
    plain = parse(line) or {}
    cls = ANSWERS.get(str(plain.get("say")))
    return None if cls is None or cls.fault(plain) else cls.decode(plain)
