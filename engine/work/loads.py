"""What a profile will ask of a model's memory: the batches that its measurements run, and the scores it selects by."""

from dataclasses import replace
from pathlib import Path

from engine import catalog
from engine.measure.head import CHUNK_BYTES
from engine.measure.ranking import ranking_spec
from engine.methods.choosing import score_spec
from engine.models.estimate import Group
from engine.models.footprint import Load, Scoring
from engine.profile import (
    GenerationMeasure,
    HarnessMeasure,
    Measure,
    PerplexityMeasure,
    Profile,
    PromptTable,
    RankingMeasure,
    TasksMeasure,
    TextTable,
)
from engine.profile.layers import same_layers
from engine.profile.measures import ScoredTextTable, batch_size
from engine.profile.names import is_petri
from engine.profile.tasks import choices
from engine.profile.texts import documents, documents_of, prompts
from engine.scores import ScoreSpec
from engine.work.subject import measure_key

_CHARACTERS_A_TOKEN = 3
"""Of a text, before a tokenizer has seen it; English has about 4."""

_PICTURE_TOKENS = 1024
"""Of a picture, before a processor has seen it; most models use 64 to about 1,500."""

_TEMPLATE = 48
"""Tokens that a chat template may add to a prompt."""

_HARNESS_TOKENS = 1024
"""Of a request of lm-evaluation-harness, whose tasks are not read here."""

_USUAL_CONTEXT = 2048
"""Of a model, where only the number of windows depends on it."""


_STARTING = {"perplexity", "tasks", "spectrum"}
"""Measurements whose passes may start at the first damaged layer: those with a `can_start_at` of their own."""


def tokens(text: str) -> int:
    """About how many tokens a text has, rather too many than too few."""
    return len(text) // _CHARACTERS_A_TOKEN + 1


def load(measure: Measure, folder: Path, narrows: bool = False) -> Load:
    """The largest batch that a measurement runs; `narrows`: some damage of the profile spares the first layers."""
    return replace(_load(measure, folder), starts=narrows and measure.name in _STARTING)


def _load(measure: Measure, folder: Path) -> Load:
    name, rows = measure_key(measure), batch_size(measure)
    if isinstance(measure, PerplexityMeasure):
        lengths = [tokens(text) for text in documents(measure, folder)]
        longest = min(max(lengths), measure.context or max(lengths))
        step = measure.stride or (measure.context or _USUAL_CONTEXT) // 2
        windows = sum(-(-length // step) for length in lengths)
        return Load(rows, longest, name=name, texts=windows, block=CHUNK_BYTES, kept=sum(lengths))
    if isinstance(measure, ScoredTextTable):
        lengths = [min(tokens(text), measure.context) for text in documents(measure, folder)]
        return Load(rows, max(lengths), name=name, texts=len(lengths))
    if isinstance(measure, TextTable):
        read = documents(measure, folder)
        return Load(rows, max(map(tokens, read)), logits=0, name=name, texts=len(read), grams=_layers(measure))
    if isinstance(measure, HarnessMeasure):
        return Load(rows, _HARNESS_TOKENS, name=name)
    if isinstance(measure, TasksMeasure):
        asked = choices(measure, folder)
        answer = max(tokens(text) for choice in asked for text in choice.choices)
        longest = max(tokens(choice.question) for choice in asked)
        texts = sum(len(choice.choices) for choice in asked)
        return Load(rows, longest + answer, logits=answer, name=name, texts=texts)
    if not isinstance(measure, PromptTable):  # a package's: what it reads, if anything, only its own code knows
        return Load(rows if hasattr(measure, "batch_size") else 0, None, name=name)
    lengths = [tokens(text) for text in prompts(measure, folder)]
    if isinstance(measure, GenerationMeasure):
        added = (_PICTURE_TOKENS if measure.image else 0) + (_TEMPLATE if measure.chat is not False else 0)
        length = max(lengths) + measure.max_new_tokens + added
        options = {"cache": True, "sampled": measure.sample}
        return Load(rows, length, logits=1, name=name, texts=len(lengths), **options)
    return Load(rows, max(lengths), logits=0, name=name, texts=len(lengths))


def _layers(measure: TextTable) -> int:
    """How many layers a spectrum observes."""
    layers = same_layers(getattr(measure, "layers", None))
    if isinstance(layers, str):  # "last 4"
        return int(layers.rpartition(" ")[2])
    return len(layers or [0])


def scorings(profile: Profile, model: str, folder: Path) -> list[tuple[Scoring, Group]]:
    """The scores that the profile selects and ranks by on this model, each with a group that it is computed for."""
    found: list[tuple[Scoring, Group]] = []
    for damage in (single for table in profile.damage for single in table.singles):
        if damage.select is not None and damage.select.score is not None:
            work = _scoring(score_spec(damage.select, folder), model)
            found += [(work, (group, damage.layers, damage.heads, damage.experts)) for group in damage.groups]
    for measure in profile.measure:
        if isinstance(measure, RankingMeasure):
            specs = [ranking_spec(measure, score, measure.batch_size, folder) for score in measure.scores]
            found += [(_scoring(spec, model), (measure.group, measure.layers, None, None)) for spec in specs]
    return found


def _scoring(spec: ScoreSpec, model: str) -> Scoring:
    if not catalog.score(spec.name).reads_text:
        return Scoring(spec.name, 0, 0, 0)
    text = ("petri" if is_petri(model) else "english") if spec.text == "auto" else spec.text
    lengths = [tokens(document) for document in documents_of(text, spec.documents, spec.folder)]
    windows = sum(-(-length // (spec.context - 1)) for length in lengths)
    rows = 1 if spec.name == "grad_squared" else min(spec.batch_size, windows)
    return Scoring(spec.name, rows, min(max(lengths), spec.context), -(-windows // rows))
