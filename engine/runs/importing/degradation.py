"""The degradation study: a JSON list, one record a text, of every version of the study.

Texts of one model, method, group, level and seed are a trial. What the records say beyond that stays with the texts, so
that the list can be written again as it was.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.catalog.columns import labelled
from engine.errors import LesionError
from engine.record.texts import TextRecord
from engine.runs.importing import values
from engine.runs.importing.found import Found
from engine.runs.importing.tree import Tree
from engine.wording import variety

LEVELS = ("degrad_level", "level_value", "std_dev")
"""Where versions of the study keep the level."""
MAPPED = (
    "model_name",
    "degradation_method",
    "param_group_name",
    "seed",
    "prompt_group",
    "prompt_text",
    "output",
    "tokens_in",
    "tokens_out",
)
"""What a trial or text has under a name of Lesion's; all else stays with the text, under `source`."""
BASE_SEED = 42
"""Of the study: repetition i has the seed BASE_SEED + i."""
WORDS = ("distinct_1", "distinct_2", "repetition")

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_DTYPES = ("float16", "float32", "bfloat16")

Place = tuple[str, str, str | None, float | None, int]
"""Model, method, group, level and seed."""


@dataclass
class Written:
    """A record of the list, read."""

    number: int
    place: Place
    label: str | None
    dtype: str | None
    packed: bool
    text: dict[str, Any]
    """What stands in `found` of its line."""
    held: dict[str, Any]
    """The record itself."""


class DegradationJson:
    """Reads them; see Format."""

    name = "degradation-json"

    def find(self, tree: Tree, model: str | None) -> Sequence[Found]:
        """A run a file, or several where its records were made with other types of numbers."""
        return [run for name in tree.names if name.endswith(".json") for run in _runs(tree, name)]


def written(tree: Tree, name: str) -> list[Written]:
    """The records of a file; none where it is not of the study. Raises LesionError for one that is damaged."""
    held = tree.json(name)
    if not isinstance(held, list) or not held:
        return []
    first = held[0]
    if not isinstance(first, dict) or not {"output", "prompt_text", "degradation_method"} & {*first}:
        return []
    return [_written(one, number, tree.where(name)) for number, one in enumerate(held, start=1)]


def _written(held: Any, number: int, file: str) -> Written:
    where = f"{file}, record {number},"
    if not isinstance(held, dict):
        raise LesionError(f"{where} is not an object in braces")
    method = values.text(held, "degradation_method", where)
    undamaged = method == "none"
    group = None if undamaged else values.text(held, "param_group_name", where)
    level = None if undamaged else _level(held, where)
    place = (values.text(held, "model_name", where), method, group, level, _seed(held, where))
    told = held.get("dtype")
    dtype = told.removeprefix("torch.") if isinstance(told, str) else None
    if held.get("prompt_group") is not None:
        values.text(held, "prompt_group", where)
    extension = held.get("lesion")
    label = held.get("prompt_group") if not isinstance(extension, dict) else extension.get("label")
    label = label if isinstance(label, str) and _LABEL.fullmatch(label) else None
    packed = held.get("load_4bit") is True or held.get("usar_4bit") is True
    return Written(number, place, label, dtype, packed, _text(held, where), held)


def _level(held: Mapping[str, Any], where: str) -> float:
    key = next((key for key in LEVELS if held.get(key) is not None), LEVELS[0])
    return values.number(held, key, where)


def _seed(held: Mapping[str, Any], where: str) -> int:
    if held.get("seed") is None and held.get("repeat_index") is not None:
        return BASE_SEED + values.count(held, "repeat_index", where)
    return values.integer(held, "seed", where)


def _text(held: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A text as Lesion tells of it, with how varied its words are; what else the record says is its `source`."""
    if not isinstance(output := held.get("output"), str):
        raise values.wrong(held, "output", where, "a text")
    prompt = held.get("prompt_id")
    told: dict[str, Any] = {
        "index": values.count(held, "prompt_id", where) - 1 if prompt else None,
        "prompt_set": held.get("prompt_group"),
        "prompt": values.text(held, "prompt_text", where),
        "text": output,
    }
    for key in ("tokens_in", "tokens_out"):
        told[key] = None if held.get(key) is None else values.count(held, key, where)
    if held.get("perplexity") is not None:
        values.figure(held, "perplexity", where)
    if isinstance(extension := held.get("lesion"), dict):
        kept = extension.get("text")
        return told | (kept if isinstance(kept, dict) else {})
    return told | variety(output) | {"source": {key: value for key, value in held.items() if key not in MAPPED}}


def _runs(tree: Tree, name: str) -> list[Found]:
    shelves: dict[tuple[str | None, bool], Found] = {}
    trials: dict[tuple[str | None, bool], dict[Place, list[Written]]] = {}
    for one in written(tree, name):
        shelf = (one.dtype, one.packed)
        if shelf not in shelves:
            shelves[shelf] = _run(tree, name, *shelf)
        trials.setdefault(shelf, {}).setdefault(one.place, []).append(one)
    for shelf, run in shelves.items():
        lines: list[tuple[int, TextRecord]] = []
        for place, texts in trials[shelf].items():
            lines += _add(run, name, place, texts, tree.where(name))
        run.texts += [line for _, line in sorted(lines, key=lambda line: line[0])]
        _note(run, [one for texts in trials[shelf].values() for one in texts])
    return list(shelves.values())


def _run(tree: Tree, name: str, dtype: str | None, packed: bool) -> Found:
    title = name.rpartition("/")[2].removesuffix(".json").removeprefix("outputs_")
    run = Found(title, DegradationJson.name, "the degradation study: texts written under damage", tree)
    run.use(name)
    if dtype in _DTYPES:
        run.model["dtype"] = dtype
    if packed:
        run.notes.append("load_4bit is set, which that program ignored: the weights were not packed")
    return run


def _add(run: Found, name: str, place: Place, texts: list[Written], where: str) -> list[tuple[int, TextRecord]]:
    """Add a trial; returns its texts, each with its place in the file."""
    model, method, group, level, seed = place
    extension = next((one.held["lesion"] for one in texts if isinstance(one.held.get("lesion"), dict)), None)
    if extension is not None:
        record = run.own(extension.get("record"), name, f"{where}, record {texts[0].number},")
        if (record.model, record.method, record.seed) != (model, method, seed):
            raise LesionError(
                f"{where}, record {texts[0].number}, is of another trial than its 'lesion' says: it was changed since"
            )
    else:
        devices = {one.held["device"] for one in texts if isinstance(one.held.get("device"), str)}
        record = run.trial(
            model,
            seed,
            name,
            baseline=method == "none",
            method=method,
            group=group,
            level=level,
            metrics=metrics_of(texts),
            texts=len(texts),
            device=devices.pop() if len(devices) == 1 else None,
        )
    return [(one.number, _line(record.trial, one)) for one in texts]


def _line(trial: str, one: Written) -> TextRecord:
    model, method, group, level, seed = one.place
    return TextRecord(
        trial=trial,
        measurement="generation",
        label=one.label,
        found=one.text,
        model=model,
        method=method,
        group=group,
        level=level,
        seed=seed,
    )


def metrics_of(texts: Sequence[Written]) -> dict[str, float]:
    """What texts come to, by the group of their prompts: how long and varied they are, and the stored perplexity."""
    by_label: dict[str | None, list[Written]] = {}
    for one in texts:
        by_label.setdefault(one.label, []).append(one)
    metrics: dict[str, float] = {}
    for label, some in by_label.items():
        found = wording_of([one.text for one in some])
        stored = [one.held["perplexity"] for one in some if one.held.get("perplexity") is not None]
        if stored:
            found["published_text_perplexity"] = mean([_number(value) for value in stored])
        metrics |= {labelled(label, key): value for key, value in found.items()}
    return metrics


def wording_of(texts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means over texts of how long and varied they are, under the names of Lesion's measurement generation."""
    lengths = [text["tokens_out"] for text in texts]
    found = {"generated_tokens": sum(lengths) / len(lengths)} if None not in lengths else {}
    for name in WORDS:
        known = [float(text[name]) for text in texts if text[name] is not None]
        found[name] = sum(known) / len(known) if known else math.nan
    return found


def mean(numbers: Sequence[float]) -> float:
    """The mean, exactly the value where all are the same."""
    return numbers[0] if len(set(numbers)) == 1 else sum(numbers) / len(numbers)


def _number(value: Any) -> float:
    return float(values.figure({"perplexity": value}, "perplexity", ""))


def _note(run: Found, texts: Sequence[Written]) -> None:
    seen: set[Any] = set()
    twice = 0
    for one in texts:
        what = (one.place, one.held.get("prompt_group"), one.held.get("prompt_id"), one.text["prompt"])
        twice += what in seen
        seen.add(what)
    if twice:
        run.notes.append(
            f"{twice:,} texts stand twice in the file, for the same prompt of the same trial: all are kept"
        )
    if any(one.held.get("seed") is None for one in texts):
        run.notes.append(f"where no seed stands it is {BASE_SEED} + repeat_index, as that program made it")
    if any(one.held.get("duration") is not None for one in texts):
        run.notes.append("durations were taken after the text was written: they stay with the texts, and count nowhere")
