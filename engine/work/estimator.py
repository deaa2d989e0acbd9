"""The estimator: `python -m engine.work estimator`. Says what a profile's models need, before anything is loaded.

One JSON request a line on stdin, with profile (TOML text), folder and trust_remote_code; one answer a line on stdout:
`models`, a list of the fields of engine.runs.survey.SurveyedModel, or `error`, a sentence, where the profile itself
cannot be read. When stdin ends, so does the process, also in the middle of an answer.
"""

import functools
import json
import sys
import tomllib
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import torch

from engine.errors import LesionError, RemoteCodeError
from engine.models.estimate import ModelEstimate, survey_model
from engine.profile import Profile, parse
from engine.work.channel import Channel
from engine.work.device import open_device
from engine.work.effort import Speed, loading, seconds, speed_of
from engine.work.loads import load, scorings, trainings
from engine.work.memory import free_and_total, free_and_total_of_all
from engine.work.subject import narrows
from engine.work.unexpected import sentence

_RESERVE = {"cuda": 2_000_000_000, "cpu": 1_000_000_000}
"""Bytes left free on a device: for CUDA's own context, for the worker's libraries, for whatever else the host does."""

_UNKNOWN: dict[str, Any] = {
    "wants_code": False,
    "architecture": "",
    "parameters": 0,
    "non_embedding": 0,
    "dtype": "",
    "weights_bytes": 0,
    "snapshot_bytes": 0,
    "activation_bytes": 0,
    "kept_bytes": 0,
    "need_bytes": 0,
    "batch": {},
    "fits": False,
    "tied": False,
    "layers": 0,
    "groups": {},
    "context": 0,
    "notes": [],
    "unreachable": None,
    "trial_seconds": 0.0,
    "load_seconds": 0.0,
    "free_bytes": 0,
    "total_bytes": 0,
    "reserve_bytes": 0,
}


def serve(channel: Channel) -> NoReturn:
    """Answer requests, one after the other."""
    while True:
        channel.send(answer(json.loads(channel.receive())))


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
            (group, stage.layers, stage.heads, stage.experts)
            for damage in profile.damage
            for single in damage.singles
            for stage in single.stages
            for group in stage.groups
        )
    )

    facts = {"name": name, "error": None} | _UNKNOWN

    def memory() -> dict[str, Any]:
        device = open_device(profile.model.device)
        spread = profile.model.device_map is not None and device.type == "cuda"
        free, total = free_and_total_of_all() if spread else free_and_total(device)
        reserve = _RESERVE[device.type] * (torch.cuda.device_count() if spread else 1)
        return {"free_bytes": free, "total_bytes": total, "reserve_bytes": reserve}

    def estimate() -> dict[str, Any]:
        loads = [load(measure, folder, narrows(profile)) for measure in profile.measure]
        scores = scorings(profile, name, folder)
        sizes = survey_model(
            profile.model,
            name,
            groups,
            loads,
            scores,
            trainings(profile),
            room=facts["free_bytes"] - facts["reserve_bytes"],
            on_gpu=open_device(profile.model.device).type == "cuda",
            trust_remote_code=trust_remote_code,
            pictures=profile.shows_pictures,
        )
        return asdict(sizes) | _times(profile, folder, sizes)

    facts |= _attempt(memory)
    if facts["error"] is None:
        facts |= _attempt(estimate)
    return facts


def _times(profile: Profile, folder: Path, size: ModelEstimate) -> dict[str, float]:
    device, cores = open_device(profile.model.device), profile.run.threads or torch.get_num_threads()
    speed = _speed(device, size.dtype, cores)
    return {"trial_seconds": seconds(profile, folder, size, speed, cores), "load_seconds": loading(size)}


@functools.cache
def _speed(device: torch.device, dtype: str, cores: int) -> Speed:
    return speed_of(device, getattr(torch, dtype), cores)


def _attempt(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `ask` returns, or its failure as `error`; the traceback of an unexpected one goes to stderr."""
    try:
        return ask()
    except LesionError as mistake:
        return {"error": str(mistake), "wants_code": isinstance(mistake, RemoteCodeError)}
    except Exception as unexpected:
        traceback.print_exc(file=sys.stderr)
        return {"error": sentence(unexpected)}
