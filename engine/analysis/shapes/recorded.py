"""What a run is exported from in the shape of another program, and what comes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import LesionError
from engine.profile import Profile
from engine.record.changes import Baselines
from engine.record.directory import MANIFEST, read_profile
from engine.record.manifest import Imported, read_manifest
from engine.record.records import read_generations, read_trials
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

EXTENSION = "lesion"
"""The one key or column more in which a file of another shape keeps what that shape has no place for."""


@dataclass(frozen=True)
class Shaped:
    """Files by their names, the rows or texts in them, and what is not in them, a sentence each."""

    files: dict[str, bytes]
    count: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """All of a run, read when it is first asked for."""

    run: Path
    _kept: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def trials(self) -> list[TrialRecord]:
        """In the order of the profile's grid."""
        return sorted(read_trials(self.run), key=lambda record: record.index)

    @cached_property
    def baselines(self) -> Baselines:
        """The undamaged models."""
        return Baselines(self.trials)

    @cached_property
    def texts(self) -> list[TextRecord]:
        """In the order of the file."""
        return read_generations(self.run)

    @cached_property
    def profile(self) -> Profile:
        """The run's."""
        return read_profile(self.run)

    @cached_property
    def imported(self) -> Imported:
        """Where it came from; empty for a run of ours."""
        return read_manifest(self.run).get("imported", {}) if files.is_present(self.run / MANIFEST) else {}

    def artifact(self, record: TrialRecord, measurement: str) -> dict[str, Any]:
        """What a measurement without a label left of a trial as JSON; empty where there is nothing. Raises LesionError
        where the file cannot be read."""
        for name in record.artifacts or ():
            if name.endswith(f"-{measurement}.json"):
                held = self._json(name)
                if held.get("measurement") == measurement and not held.get("label"):
                    return {key: value for key, value in held.items() if key not in ("trial", "measurement", "label")}
        return {}

    def _json(self, name: str) -> dict[str, Any]:
        try:
            held = json.loads(files.read_bytes(self.run / name, below=self.run))
        except OSError as error:
            raise LesionError(f"{self.run / name} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError):
            raise LesionError(f"{self.run / name} is damaged: a JSON object is expected") from None
        return held if isinstance(held, dict) else {}

    def text(self, name: str) -> str:
        """An artifact as text. Raises LesionError where it cannot be read."""
        try:
            return files.read_bytes(self.run / name, below=self.run).decode()
        except OSError as error:
            raise LesionError(f"{self.run / name} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise LesionError(f"{self.run / name} is damaged: it is no text in UTF-8") from None


def plain(value: Any, *, indent: int | None = 2) -> bytes:
    """JSON as the other programs write and read it, NaN and Infinity among its numbers."""
    return (json.dumps(value, indent=indent) + "\n").encode()


def model_of(record: TrialRecord) -> str:
    """A model's name without its organisation or folders."""
    return record.model.rstrip("/").rpartition("/")[2]


def metric(record: TrialRecord | None, *names: str) -> float | None:
    """The first of these metrics that the record has."""
    held: Mapping[str, float] = record.metrics if record and record.status == "ok" else {}
    return next((held[name] for name in names if name in held), None)
