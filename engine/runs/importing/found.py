"""What an importer makes of files: runs that are still to be written."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.catalog import published
from engine.errors import LesionError
from engine.record.directory import ARTIFACTS
from engine.record.lines import encode
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord
from engine.runs.importing.tree import Tree


@dataclass
class Found:
    """A run of another program.

    Attributes:
        name: what its profile is to be called.
        format: of its files.
        tree: where they lie; `files`, their names there.
        kept: those of them that go into SOURCE as they are.
        model: the profile's [model] table, without names.
        artifacts: what the trials name, by names in the run directory.
        notes: what is not mapped, or is not told by the files, a sentence each.
    """

    name: str
    format: str
    description: str
    tree: Tree
    files: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    model: dict[str, Any] = field(default_factory=dict)
    trials: list[TrialRecord] = field(default_factory=list)
    texts: list[TextRecord] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _keys: set[str] = field(default_factory=set)

    def use(self, name: str, *, keep: bool = False) -> None:
        """Note that a file is part of it; `keep`: not all that it holds is mapped."""
        for names in (self.files, self.kept) if keep else (self.files,):
            if name not in names:
                names.append(name)

    def trial(self, model: str, seed: int, source: str, **fields: Any) -> TrialRecord:
        """Add a trial: the baseline of a model, unless `fields` say otherwise. Its key is a hash of what it is and of
        where it comes from."""
        usual: dict[str, Any] = {"baseline": True, "method": "none", "group": None, "level": None, "status": "ok"}
        told = usual | {"parameters": size_of(model)} | fields
        stages = {name: [stage.encode() for stage in told.get(name) or ()] for name in ("before", "then")}
        identity = {name: told.get(name) for name in _IDENTITY} | stages
        key = key_of(self.format, self.model, model, seed, source, identity)
        return self._add(
            TrialRecord(trial=key, index=len(self.trials), model=model, seed=seed, imported=source, **told)
        )

    def own(self, plain: Any, source: str, where: str, *, once: bool = False) -> TrialRecord:
        """Add a trial that Lesion made and exported, from its record; `once`: unless it is there already. Raises
        LesionError for what is none."""
        reason = TrialRecord.refusal(plain) if isinstance(plain, dict) else "is not a record"
        if reason:
            raise LesionError(f"{where} has a 'lesion' that {reason}: leave that out, or bring back what was exported")
        record = TrialRecord.decode(plain)
        if once and record.trial in self._keys:
            return next(one for one in self.trials if one.trial == record.trial)
        return self._add(replace(record, index=len(self.trials), imported=source, artifacts=None))

    def _add(self, record: TrialRecord) -> TrialRecord:
        if record.trial in self._keys:
            what = f"{record.model}, {record.method} at level {record.level} and seed {record.seed}"
            raise LesionError(f"{self.tree.path}: {record.imported} has the same trial twice: {what}")
        self._keys.add(record.trial)
        self.trials.append(record)
        return record

    def attach(self, record: TrialRecord, name: str, content: str) -> None:
        """Add an artifact to a trial; `name` stands after the trial's key in that of the file."""
        whole = f"{ARTIFACTS}/{record.trial}-{name}"
        self.artifacts[whole] = content
        there = self.trials[record.index].artifacts or ()
        self.trials[record.index] = replace(self.trials[record.index], artifacts=(*there, whole))

    def attach_json(self, record: TrialRecord, name: str, measurement: str, content: dict[str, Any]) -> None:
        """Add an artifact as a measurement leaves it."""
        opening = {"trial": record.trial, "measurement": measurement, "label": None}
        self.attach(record, f"{name}.json", encode(opening | content).decode())


_IDENTITY = ("method", "group", "level", "layers", "heads", "experts", "options", "select")


class Format(Protocol):
    """A format of another program's files."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        ...

    def find(self, tree: Tree, model: str | None) -> Sequence[Found]:
        """The runs that the files hold in this format; none where it does not recognise any.

        `model`: which it is, where the files do not say. Raises LesionError for a file that it recognises, and that is
        damaged.
        """
        ...


def key_of(*parts: Any) -> str:
    """A trial's key, 16 hexadecimal digits, from what it is."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()[:16]


def size_of(model: str) -> int | None:
    """The parameters of a model of the Hub that the catalog knows, by its id or the last part of it; None of others."""
    sizes = {name: info.parameters for name, info in published().items()}
    sizes |= {name.rpartition("/")[2]: size for name, size in sizes.items()}
    return sizes.get(model)
