"""Leaving out the models that do not fit into memory: what `fit = true` in a profile asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import LesionError
from engine.runs.survey import SurveyedModel, survey
from engine.units import size

if TYPE_CHECKING:
    from engine.profile import Profile


@dataclass(frozen=True)
class LeftOut:
    """A model that is not run, and the sentence that says why."""

    model: str
    reason: str


def fitted(profile: "Profile", trust_remote_code: bool = False) -> tuple["Profile", list[LeftOut]]:
    """`profile` with only those of its models that fit on this host now, and without `fit`, so that a replay has the
    same models wherever it runs; and those left out.

    Raises LesionError where a model cannot be surveyed, where one that fits cannot be reached (leaving it out would
    lose its results without a word), and where none fits.
    """
    models = survey(profile, trust_remote_code).models
    faults = [f"{model.name} cannot be used: {model.error}" for model in models if model.error]
    faults += [str(model.unreachable) for model in models if model.fits and model.unreachable]
    if faults:
        raise LesionError("\n".join(faults), field="model.names")
    left = left_out(models)
    if len(left) == len(models):
        reasons = "; ".join(one.reason for one in left)
        raise LesionError(f"model.fit: none of the models fits into memory: {reasons}", field="model.fit")
    chosen = tuple(model.name for model in models if model.fits)
    return profile.model_copy(update={"model": profile.model.model_copy(update={"names": chosen, "fit": False})}), left


def left_out(models: Sequence[SurveyedModel]) -> list[LeftOut]:
    """Those of the models that do not fit, with a sentence each."""
    return [LeftOut(model.name, _reason(model)) for model in models if not model.fits and not model.error]


def _reason(model: SurveyedModel) -> str:
    need, free, reserve = (size(n) for n in (model.need_bytes, model.free_bytes, model.reserve_bytes))
    return f"{model.name} is left out: it needs {need} of memory, {free} are free, and {reserve} of them stay so"
