"""What a profile will ask of a model's memory: the batches that its measurements run, and the scores it selects by."""

from pathlib import Path

from engine import catalog
from engine.measure.head import CHUNK_BYTES
from engine.models.estimate import Group
from engine.models.footprint import Load, Scoring
from engine.profile import GenerationMeasure, Measure, PerplexityMeasure, Profile, TasksMeasure, TextTable
from engine.profile.layers import same_layers
from engine.profile.names import is_petri
from engine.profile.tasks import choices
from engine.profile.texts import documents, prompts
from engine.scores import ScoreSpec
from engine.work.subject import measure_key

_CHARACTERS_A_TOKEN = 3
"""Of a text, before a tokenizer has seen it; English has about 4."""

_PICTURE_TOKENS = 1024
"""Of a picture, before a processor has seen it; most models use 64 to about 1,500."""

_USUAL_CONTEXT = 2048
"""Of a model, where only the number of windows depends on it."""


def tokens(text: str) -> int:
    """About how many tokens a text has, rather too many than too few."""
    return len(text) // _CHARACTERS_A_TOKEN + 1


def load(measure: Measure, folder: Path) -> Load:
    """The largest batch that a measurement runs."""
    name, rows = measure_key(measure), measure.batch_size
    if isinstance(measure, PerplexityMeasure):
        lengths = [tokens(text) for text in documents(measure, folder)]
        longest = min(max(lengths), measure.context or max(lengths))
        step = measure.stride or (measure.context or _USUAL_CONTEXT) // 2
        windows = sum(-(-length // step) for length in lengths)
        return Load(rows, longest, name=name, texts=windows, block=CHUNK_BYTES, kept=sum(lengths))
    if isinstance(measure, TextTable):
        read = documents(measure, folder)
        return Load(rows, max(map(tokens, read)), logits=0, name=name, texts=len(read), grams=_layers(measure))
    if isinstance(measure, TasksMeasure):
        asked = choices(measure, folder)
        answer = max(tokens(text) for choice in asked for text in choice.choices)
        longest = max(tokens(choice.question) for choice in asked)
        texts = sum(len(choice.choices) for choice in asked)
        return Load(rows, longest + answer, logits=answer, name=name, texts=texts)
    lengths = [tokens(text) for text in prompts(measure, folder)]
    if isinstance(measure, GenerationMeasure):
        length = max(lengths) + measure.max_new_tokens + (_PICTURE_TOKENS if measure.image else 0)
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
    """The scores that the profile's damages select by on this model, each with a group that it is computed for."""
    found: list[tuple[Scoring, Group]] = []
    for damage in profile.damage:
        if damage.select is None or damage.select.score is None:
            continue
        text = ("petri" if is_petri(model) else "english") if damage.select.text == "auto" else damage.select.text
        work = _scoring(damage.select.score, text, damage.select.documents, folder)
        found += [(work, (group, damage.layers, damage.heads, damage.experts)) for group in damage.groups]
    return found


def _scoring(score: str, text: str, count: int, folder: Path) -> Scoring:
    usual = ScoreSpec(score)
    if not catalog.score(score).reads_text:
        return Scoring(score, 0, 0, 0)
    lengths = [tokens(read) for read in documents(PerplexityMeasure(text=text, documents=count), folder)]
    windows = sum(-(-length // (usual.context - 1)) for length in lengths)
    rows = 1 if score == "grad_squared" else min(usual.batch_size, windows)
    return Scoring(score, rows, min(max(lengths), usual.context), -(-windows // rows))
