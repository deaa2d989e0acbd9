"""What is watched while a model trains: perplexity of a held-out text, and the rank of its middle layer's outputs."""

import math
from dataclasses import dataclass
from pathlib import Path

from engine import catalog
from engine.measure.spectrum.run import Spectrum
from engine.measure.spectrum.table import SpectrumMeasure
from engine.models.loading import LoadedModel
from engine.profile import ScoreSpec
from engine.profile.names import AUTO
from engine.progress import silent
from engine.scores.reading import Reading
from engine.training.options import TrainingOptions

_CONTEXT = 256


@dataclass(frozen=True)
class Look:
    """Of the model at one moment; nan and inf are values like any other."""

    nll: float
    effective_rank: float
    effective_rank_cut: float
    spectral_gap: float

    @property
    def perplexity(self) -> float:
        """exp of the mean loss; inf beyond what a float holds."""
        return math.exp(self.nll) if self.nll < 709 else self.nll if math.isnan(self.nll) else math.inf

    @property
    def record(self) -> dict[str, float]:
        """By name; `log10_perplexity` holds what overflows."""
        ranks = {"effective_rank": self.effective_rank, "effective_rank_cut": self.effective_rank_cut}
        rest = {"spectral_gap": self.spectral_gap, "perplexity": self.perplexity}
        return {**ranks, **rest, "log10_perplexity": self.nll / math.log(10)}

    def since(self, start: "Look") -> dict[str, float]:
        """Signed changes from the start, in per cent: `rank_reduction` is above 0 where the rank fell,
        `perplexity_increase` where the perplexity rose."""
        return {
            "rank_reduction": 100 * (1 - self.effective_rank / start.effective_rank)
            if start.effective_rank
            else math.nan,
            "perplexity_increase": 100 * _growth(self.nll - start.nll),
        }


class Watch:
    """Looks at a model as it is now, whenever it is asked to."""

    def __init__(self, loaded: LoadedModel, options: TrainingOptions, folder: Path) -> None:
        text = options.watch_text
        if text == AUTO:
            text = "petri" if loaded.name in catalog.models() else "english"
        count = options.watch_documents
        self._reading = Reading(loaded, ScoreSpec("watching", text, count, _CONTEXT, folder=folder))
        self._spectrum = Spectrum(
            SpectrumMeasure.model_construct(text=text, documents=count, layers=None), loaded, folder
        )

    def look(self) -> Look:
        """Now."""
        seen = self._spectrum.run(0, 8, silent).metrics
        return Look(self._reading.nll(), seen["effective_rank"], seen["effective_rank_cut"], seen["spectral_gap"])


def _growth(difference: float) -> float:
    """exp(difference) - 1; inf where that overflows."""
    return math.expm1(difference) if difference < 709 else math.nan if math.isnan(difference) else math.inf
