"""What every measurement gives and takes."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.progress import Progress as Progress
from engine.record.findings import Sheet as Sheet


@dataclass(frozen=True)
class Measured:
    """The result of one measurement.

    Attributes:
        metrics: number by metric name; nan and inf are values like any other.
        texts: one dict a generated text: `index`, `prompt_set`, `prompt`, `text`, `tokens_in`, `tokens_out`,
            `stop` ("eos" or "length"), `batch` and `batch_seconds`, and what engine.wording finds.
        artifact: what does not fit in metrics, such as values by layer, as JSON; None where there is nothing.
        tables: by a name that goes into a file's name; empty for the only one.
    """

    metrics: dict[str, float]
    texts: list[dict[str, Any]] = field(default_factory=list)
    artifact: dict[str, Any] | None = None
    tables: dict[str, Sheet] = field(default_factory=dict)


class Measurement(Protocol):
    """A measurement bound to one loaded model. Built as `Class(spec, loaded, folder)` while the model is undamaged.

    `notes` are sentences the user should see once: what was left out, and why.
    """

    notes: list[str]

    def prepare(self, batch_size: int, progress: Progress) -> None:
        """Observe the undamaged model, where results are measured from it; most are not. Done once per batch size."""
        return

    def can_start_at(self, layer: int) -> bool:
        """Whether `run` may compute nothing before block `layer`, given what entered it: it calls the model once a
        batch without a cache, and looks at nothing that happens in earlier blocks. Most do not say so."""
        return False

    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is now. The result depends on the weights, the seed and the batch size only."""
