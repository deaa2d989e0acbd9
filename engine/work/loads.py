"""What a profile will ask of a model's memory: batches of its measurements, scores that it selects by, training."""

from dataclasses import replace
from pathlib import Path

from engine import catalog
from engine.methods.choosing import score_spec
from engine.models.footprint import Scoring
from engine.profile import Group, Load, Measure, Profile, ScoreSpec
from engine.profile.demand import Training, most_tokens
from engine.profile.names import is_petri
from engine.profile.texts import documents_of


def load(measure: Measure, folder: Path, narrows: bool = False) -> Load:
    """The largest batch that a measurement runs; `narrows`: some damage of the profile spares the first layers."""
    return replace(measure.load(folder), starts=narrows and measure.starts_late)


def scorings(profile: Profile, model: str, folder: Path) -> list[tuple[Scoring, Group]]:
    """The scores that the profile selects and ranks by on this model, each with a group that it is computed for."""
    asked = [pair for measure in profile.measure for pair in measure.scorings(folder)]
    for damage in (stage for table in profile.damage for single in table.singles for stage in single.stages):
        if damage.select is not None and damage.select.score is not None:
            spec = score_spec(damage.select, folder)
            asked += [(spec, (group, damage.layers, damage.heads, damage.experts)) for group in damage.groups]
    return [(_scoring(spec, model), group) for spec, group in asked]


def trainings(profile: Profile) -> list[tuple[Training, Group]]:
    """What the profile trains, each with a group that it trains in."""
    singles = (single for table in profile.damage for single in table.singles)
    stages = [(stage, stage.typed_options.training()) for single in singles for stage in single.stages]
    return [
        (work, (group, stage.layers, stage.heads, stage.experts))
        for stage, work in stages
        if work is not None
        for group in stage.groups
    ]


def _scoring(spec: ScoreSpec, model: str) -> Scoring:
    if not catalog.score(spec.name).reads_text:
        return Scoring(spec.name, 0, 0, 0)
    text = ("petri" if is_petri(model) else "english") if spec.text == "auto" else spec.text
    lengths = [most_tokens(document) for document in documents_of(text, spec.documents, spec.folder)]
    windows = sum(-(-length // (spec.context - 1)) for length in lengths)
    rows = 1 if spec.name == "grad_squared" else min(spec.batch_size, windows)
    return Scoring(spec.name, rows, min(max(lengths), spec.context), -(-windows // rows))
