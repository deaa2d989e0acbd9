"""What one attempt at a trial finds, as it comes in: numbers, texts, and what goes into files."""

from typing import Any

from engine.errors import LesionError
from engine.measure.measurement import Measured
from engine.methods import Damaged
from engine.profile import Measure, Trial
from engine.record.findings import Findings
from engine.record.texts import TextRecord
from engine.work.artifacts import written


class Gathered:
    """The findings of a trial: `metrics` by the names that its record gives them, and its `texts`."""

    def __init__(self, trial: Trial, damaged: Damaged) -> None:
        self.metrics = dict(damaged.metrics)
        self.texts: list[TextRecord] = []
        self._trial = trial
        self._owner = dict.fromkeys(damaged.metrics, f"the method {trial.method}")
        self._files: list[tuple[dict[str, Any], str, Findings]] = [({"method": trial.method}, trial.method, damaged)]

    def add(self, key: str, spec: Measure, measured: Measured) -> None:
        """Take in a measurement. Raises LesionError where it has a metric that another one, or the method, has."""
        prefix = key.removesuffix(spec.name)
        named = {f"{prefix}{name}": value for name, value in measured.metrics.items()}
        if twice := sorted(self.metrics.keys() & named.keys()):
            whose = self._owner.get(twice[0], "another measurement")
            raise LesionError(f"{key} has a metric {twice[0]} and so has {whose}: give one of them a label")
        self.metrics |= named
        self.texts += [self._text(spec, told) for told in measured.texts]
        self._files.append(({"measurement": spec.name, "label": spec.label}, key, measured))

    def _text(self, spec: Measure, told: dict[str, Any]) -> TextRecord:
        trial = self._trial
        return TextRecord(
            trial=trial.key,
            measurement=spec.name,
            label=spec.label,
            found=told,
            model=trial.model,
            method=trial.method,
            group=trial.group,
            level=trial.level,
            seed=trial.seed,
        )

    def files(self) -> dict[str, str]:
        """The content of what goes into files, by their names in the run directory."""
        files: dict[str, str] = {}
        for whose, key, findings in self._files:
            files |= written({"trial": self._trial.key} | whose, key, findings)
        return files
