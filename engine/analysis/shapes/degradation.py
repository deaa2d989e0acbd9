"""The degradation study's JSON list: one record a text, with the keys of its last version and of earlier ones."""

from collections.abc import Mapping
from typing import Any

from engine.analysis.shapes.recorded import EXTENSION, Recorded, Shaped, metric, model_of, plain
from engine.errors import LesionError
from engine.profile import Measure
from engine.record.kinds import number
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

_TOLD = ("index", "prompt_set", "prompt", "text", "tokens_in", "tokens_out", "source")
"""What of a text stands under keys of the study."""
_NUMBERS = ("perplexity", "duration", "vram_usage_percent")
"""Keys of the study that may be nan or infinite, which is a word in our own files."""


def degradation_json(recorded: Recorded) -> Shaped:
    """Every generated text. Raises LesionError where there is none."""
    records = {record.trial: record for record in recorded.trials}
    told: set[str] = set()
    places = _places(recorded)
    written: list[dict[str, Any]] = []
    for text in recorded.texts:
        record = records[text.trial]
        first, place = text.trial not in told, places.get(text.trial)
        written.append(_theirs(record, text) or _ours(recorded, record, text, place, first=first))
        told.add(text.trial)
    if not written:
        raise LesionError(f"{recorded.run.name} has no generated texts, of which this format has a record each")
    silent = len(records.keys() - told)
    notes = (f"{silent} trials have no text, and are not in this format",) if silent else ()
    return Shaped({"outputs.json": plain(written)}, len(written), notes)


def _theirs(record: TrialRecord, text: TextRecord) -> dict[str, Any] | None:
    """The record of a text that was imported, as it was; None for one of ours."""
    source = text.found.get("source")
    if record.imported is None or not isinstance(source, Mapping):
        return None
    return _common(record, text) | {key: number(one) if key in _NUMBERS else one for key, one in source.items()}


def _common(record: TrialRecord, text: TextRecord) -> dict[str, Any]:
    return {
        "model_name": record.model,
        "degradation_method": record.method,
        "param_group_name": record.group,
        "seed": record.seed,
        "prompt_group": text.found.get("prompt_set"),
        "prompt_text": text.prompt,
        "output": text.text,
        "tokens_in": text.found.get("tokens_in"),
        "tokens_out": text.tokens_out,
    }


def _ours(
    recorded: Recorded, record: TrialRecord, text: TextRecord, place: int | None, *, first: bool
) -> dict[str, Any]:
    profile = recorded.profile
    measure = next((one for one in profile.measure if (one.name, one.label) == (text.measurement, text.label)), None)
    told = {key: value for key, value in text.found.items() if key not in _TOLD}
    kept: dict[str, Any] = {"text": told, "measurement": text.measurement, "label": text.label}
    if first:
        kept["record"] = record.encode()
    return {
        "timestamp": record.started,
        "config_name": profile.name,
        "model_variant": model_of(record),
        "device": record.device,
        "dtype": profile.model.dtype,
        "load_4bit": profile.model.load_in == "4bit",
        "restore_strategy": "subset_in_memory",
        **_common(record, text),
        "degrad_level": record.level,
        "level_index": place,
        "repeat_index": record.seed - profile.seeds.base - profile.seeds.offset,
        "prompt_id": None if text.index is None else text.index + 1,
        "duration": text.found.get("batch_seconds"),
        "gen_params": _settings(measure),
        "batch_size_effective": (record.batch or {}).get(measure.key) if measure else None,
        "image_used": "image" in text.found,
        "image_filename": text.found.get("image"),
        "vram_usage_percent": None,
        "perplexity": metric(record, "perplexity"),
        "std_dev": record.level,
        "level_value": record.level,
        "tokens": text.tokens_out,
        "force_run": False,
        "usar_4bit": profile.model.load_in == "4bit",
        "usar_data_parallel": False,
        EXTENSION: kept,
    }


def _places(recorded: Recorded) -> dict[str, int]:
    """By trial, the place of its level among those of its method and group."""
    levels: dict[tuple[str, str | None], list[float]] = {}
    places = {}
    for record in recorded.trials:
        if record.level is not None:
            known = levels.setdefault((record.method, record.group), [])
            known += [] if record.level in known else [record.level]
            places[record.trial] = known.index(record.level)
    return places


def _settings(measure: Measure | None) -> dict[str, Any]:
    keys = {"temperature": "temperature", "do_sample": "sample", "max_new_tokens": "max_new_tokens"}
    return {theirs: getattr(measure, ours, None) for theirs, ours in keys.items()}
