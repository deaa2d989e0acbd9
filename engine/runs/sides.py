"""What two runs of the same profile have in common, and why equal bits cannot be expected of them where that is so."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.profile import MeasureTable, Profile, Versions, versions
from engine.profile.measures import tables
from engine.record.directory import read_profile
from engine.record.manifest import Manifest, read_manifest
from engine.record.records import read_generations, read_trials
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord
from engine.runs.manifest import earlier

Place = str
"""What a trial is, in words that do not depend on how keys are made or where a model lies."""

_SAME = {
    "machine": "architecture",
    "processor": "processor",
    "lesion": "version of Lesion",
    "draw_version": "version of the random draws",
    "threads": "number of threads",
}
_WORKER = {
    "vectors": "vector width",
    "cpu": "kind of processor",
    "settings": "environment's choice of kernels",
    "gpus": "GPU",
    "cuda": "version of CUDA",
    "cudnn": "version of cuDNN",
    "driver": "version of the GPU's driver",
}
_WHICH = ("baseline", "method", "group", "layers", "level", "seed", "heads", "experts", "options", "select")
_STAGES = ("before", "then")


@dataclass(frozen=True)
class Side:
    """One of two runs that are compared. `trials` by what they are; `texts` by trial key, in order."""

    run: Path
    profile: Profile
    manifest: Manifest
    trials: dict[Place, TrialRecord]
    texts: dict[str, list[TextRecord]]
    versions: list[Versions]
    """Those under which trials may have been recorded."""

    @property
    def names(self) -> tuple[str, ...]:
        """The models, in the profile's order."""
        return self.profile.model.names

    def version(self, what: str) -> str:
        """Of something that makes numbers: `1`, or `1 or 2` where the run was gone on with by another Lesion."""
        return " or ".join(str(version) for version in sorted({noted.get(what, 1) for noted in self.versions}))


def read_side(run: Path) -> Side:
    """Everything of a run that is compared. Raises LesionError where it cannot be read."""
    profile, texts = read_profile(run), dict[str, list[TextRecord]]()
    for text in read_generations(run):
        texts.setdefault(text.trial, []).append(text)
    trials = {_place(record, profile): record for record in reversed(read_trials(run))}
    return Side(run, profile, read_manifest(run), dict(reversed(trials.items())), texts, earlier(run))


def other_versions(first: Side, second: Side) -> list[str]:
    """What makes numbers in these runs, and is not of the same one version in both."""
    return [
        what
        for what in versions(first.profile)
        if first.version(what) != second.version(what) or " or " in first.version(what)
    ]


def reasons(first: Side, second: Side) -> Iterator[str]:
    """Why the last bits may differ: one sentence for each thing that was not the same."""
    for key, name in _SAME.items():
        if first.manifest.get(key) != second.manifest.get(key):
            yield f"the {name} differs: {first.manifest.get(key)} and {second.manifest.get(key)}"
    yield from _packages(first, second)
    yield from _workers(first, second)
    yield from _unsaid(first, second)
    yield from _models(first, second)
    for side in (first, second):
        if any("changed" in start for start in side.manifest.get("started", [])):
            yield f"{side.run.name} was resumed with other software or on another host"
    if resized := _resized(first, second):
        yield f"the batch sizes of {resized} trials differ, as memory ran short in one of the runs"
    records = [*first.trials.values(), *second.trials.values()]
    devices = sorted({record.device for record in records if record.device})
    if devices != ["cpu"]:
        yield f"only a CPU repeats itself bit for bit, and the devices were {', '.join(devices) or 'none'}"


def _packages(first: Side, second: Side) -> Iterator[str]:
    idle = _idle_packages(first.profile)
    one, other = (side.manifest.get("packages", {}) for side in (first, second))
    yield from _differing(one, other, (one.keys() & other.keys()) - idle)
    added, others = (side.manifest.get("additions", {}) for side in (first, second))
    yield from _differing(added, others, (added.keys() | others.keys()) - idle)


def _differing(one: Mapping[str, object], other: Mapping[str, object], names: set[str]) -> Iterator[str]:
    for name in sorted(names):
        if one.get(name) != other.get(name):
            yield f"{name} differs: {one.get(name)} and {other.get(name)}"


def _idle_packages(profile: Profile) -> set[str]:
    """Those that have no part in a result of this profile."""
    idle = set()
    if profile.model.load_in == "none":
        idle.add("bitsandbytes")
    if not profile.shows_pictures:
        idle |= {"pillow", "torchvision"}
    idle |= _packages_of(tables()) - _packages_of(profile.measure)
    if not any(name.endswith(".gguf") for name in profile.model.names):
        idle.add("gguf")
    return idle


def _packages_of(measures: Iterable[MeasureTable | type[MeasureTable]]) -> set[str]:
    return {package for measure in measures for package in measure.packages}


def _workers(first: Side, second: Side) -> Iterator[str]:
    one, other = first.manifest.get("workers", {}), second.manifest.get("workers", {})
    for device in sorted(one.keys() & other.keys()):
        for key, name in _WORKER.items():
            first_fact, second_fact = one[device].get(key), other[device].get(key)
            if first_fact != second_fact:
                pair = _shown(first_fact, second_fact), _shown(second_fact, first_fact)
                yield f"the {name} differs: {pair[0]} and {pair[1]}"


def _shown(fact: object, other: object) -> str:
    """A fact in words; of a table what is not the same in the other."""
    if isinstance(fact, dict) and isinstance(other, dict):
        return ", ".join(f"{name}={fact[name]}" for name in fact if fact[name] != other.get(name)) or "none"
    if isinstance(fact, list):
        return ", ".join(" ".join(map(str, one.values())) if isinstance(one, dict) else str(one) for one in fact)
    return str(fact)


def _unsaid(first: Side, second: Side) -> Iterator[str]:
    """What a run of an earlier Lesion does not tell of what it was made with."""
    for side, other in ((first, second), (second, first)):
        noted, idle = side.manifest.get("packages", {}), _idle_packages(side.profile)
        there = {name for name, version in other.manifest.get("packages", {}).items() if version is not None}
        silent = sorted(there - noted.keys() - idle)
        vectors = ["the processor's vector width"] if other.manifest.get("workers") and not _told(side) else []
        versions_of = [f"the versions of {', '.join(silent)}"] if silent else []
        if parts := [*vectors, *versions_of]:
            yield f"an earlier Lesion made {side.run.name} and did not note {' and '.join(parts)}"


def _told(side: Side) -> bool:
    return bool(side.manifest.get("workers")) or not side.trials


def _models(first: Side, second: Side) -> Iterator[str]:
    for name, now in zip(first.names, second.names, strict=False):
        facts, others = (side.manifest.get("models", {}).get(one) for side, one in ((first, name), (second, now)))
        if facts and others and facts.get("digest") != others.get("digest"):
            yield f"the weights of {now} differ: {facts.get('digest')} and {others.get('digest')}"
        held, holds = (side.profile.model.digests or {} for side in (first, second))
        if name in held and now in holds and held[name].settings != holds[now].settings:
            yield f"the configuration, tokenizer or code beside the weights of {now} differs"


def _resized(first: Side, second: Side) -> int:
    """How many trials ran in batches of other sizes."""
    shared = first.trials.keys() & second.trials.keys()
    pairs = [(first.trials[place].batch, second.trials[place].batch) for place in shared]
    return sum(bool(one and other and one != other) for one, other in pairs)


def _place(record: TrialRecord, profile: Profile) -> Place:
    names = profile.model.names
    model = names.index(record.model) if record.model in names else record.model
    which = {name: value for name in _WHICH if (value := getattr(record, name)) not in (None, {}, ())}
    stages = {name: [stage.encode() for stage in some] for name in _STAGES if (some := getattr(record, name))}
    return json.dumps([model, which | stages], sort_keys=True)
