"""The survey process: `python -m engine.work.survey`. Says what a profile's models need, before anything is loaded.

One JSON request a line on stdin, with profile (TOML text), folder and trust_remote_code; one answer a line on stdout,
until stdin ends: `models`, a list of the fields of engine.runs.survey.SurveyedModel, or `error`, a sentence, where the
profile itself cannot be read.
"""

import json
import os
import sys
import tomllib
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import LesionError
from engine.models.estimate import Load, survey_model
from engine.profile import GenerationMeasure, Measure, Profile, PromptTable, TasksMeasure, TextTable, parse
from engine.profile.tasks import choices
from engine.profile.texts import prompts
from engine.runs.lines import encode
from engine.work.channel import isolate
from engine.work.device import open_device
from engine.work.faults import sentence
from engine.work.memory import free_and_total

_CHARACTERS_A_TOKEN = 3
"""Of a prompt, before a tokenizer has seen it; English has about 4."""

_UNKNOWN: dict[str, Any] = {
    "architecture": "",
    "parameters": 0,
    "non_embedding": 0,
    "dtype": "",
    "weights_bytes": 0,
    "snapshot_bytes": 0,
    "activation_bytes": 0,
    "need_bytes": 0,
    "tied": False,
    "layers": 0,
    "groups": {},
    "context": 0,
    "notes": [],
}


def main() -> None:
    """Answer requests until stdin ends."""
    requests, answers = isolate()
    with os.fdopen(requests, "rb") as lines, os.fdopen(answers, "wb") as out:
        for line in lines:
            out.write(encode(answer(json.loads(line))))
            out.flush()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What one request asks for. Whatever goes wrong is a sentence in it."""
    folder = Path(request["folder"])

    def survey() -> dict[str, Any]:
        profile = parse(tomllib.loads(request["profile"]), "profile", folder, must_exist=False)
        trust = request["trust_remote_code"]
        return {"models": [_model(profile, name, folder, trust_remote_code=trust) for name in profile.model.names]}

    return _attempt(survey)


def _model(profile: Profile, name: str, folder: Path, *, trust_remote_code: bool) -> dict[str, Any]:
    groups = list(
        dict.fromkeys(
            (group, damage.layers, damage.heads, damage.experts) for damage in profile.damage for group in damage.groups
        )
    )

    def estimate() -> dict[str, Any]:
        loads = [_load(measure, folder) for measure in profile.measure]
        return asdict(survey_model(profile.model, name, groups, loads, trust_remote_code=trust_remote_code))

    def memory() -> dict[str, Any]:
        free, total = free_and_total(open_device(profile.model.device))
        return {"free_bytes": free, "total_bytes": total}

    found = {"name": name, "error": None} | _UNKNOWN | {"free_bytes": 0, "total_bytes": 0}
    found |= _attempt(memory)
    found |= _attempt(estimate)
    return found | {"fits": found["error"] is None and found["need_bytes"] <= found["free_bytes"]}


def _attempt(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `ask` returns, or its failure as `error`; the traceback of an unexpected one goes to stderr."""
    try:
        return ask()
    except LesionError as mistake:
        return {"error": str(mistake)}
    except Exception as unexpected:
        traceback.print_exc(file=sys.stderr)
        return {"error": sentence(unexpected)}


def _load(measure: Measure, folder: Path) -> Load:
    """The largest batch a measurement runs. The head of a perplexity works in blocks of fixed size, not in batches."""
    if isinstance(measure, TextTable):
        return Load(measure.batch_size, getattr(measure, "context", None), logits=1)
    if isinstance(measure, TasksMeasure):
        asked = choices(measure, folder)
        answer = max(len(text) for choice in asked for text in choice.choices) // _CHARACTERS_A_TOKEN + 1
        longest = max(len(choice.question) for choice in asked) // _CHARACTERS_A_TOKEN
        return Load(measure.batch_size, longest + answer, logits=answer)
    longest = _tokens(measure, folder)
    if isinstance(measure, GenerationMeasure):
        return Load(measure.batch_size, longest + measure.max_new_tokens, logits=1, cache=True)
    return Load(measure.batch_size, longest, logits=1)


def _tokens(measure: PromptTable, folder: Path) -> int:
    """The longest prompt, in tokens."""
    return max(len(prompt) for prompt in prompts(measure, folder)) // _CHARACTERS_A_TOKEN + 1


if __name__ == "__main__":
    main()
