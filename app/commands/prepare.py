"""Commands that look ahead: what a profile would run, which models there are, what this host can do."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from app import output, words
from app.commands import options
from engine import finding
from engine.errors import LesionError

if TYPE_CHECKING:
    from engine.profile import Profile, Trial
    from engine.runs.survey import SurveyedModel
    from engine.runs.timing import Expected


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    for command in (plan, models, doctor, schema):
        app.command()(command)


def plan(
    profile: options.ProfileName,
    set_: options.Overrides = None,
    trust_remote_code: options.TrustRemoteCode = False,
    as_json: options.Json = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Show what a profile would run, if it fits, and how long it takes.

    Counts trials, asks each model how much memory it needs, looks for earlier runs of the same, and runs nothing.

    Example: lesion plan demo --set seeds.count=20
    """
    from engine import profile as profiles
    from engine.runs.fitting import left_out
    from engine.runs.survey import survey
    from engine.runs.timing import expected

    loaded = profiles.load(finding.profile_path(profile), set_ or ())
    surveyed = list(survey(loaded, trust_remote_code=trust_remote_code).models)
    left = left_out(surveyed) if loaded.model.fit else []
    trials = [trial for trial in _possible(loaded) if trial.model not in {one.model for one in left}]
    remarks = [*profiles.remarks(loaded), *(one.reason for one in left)]
    about = expected(loaded, Counter(trial.model for trial in trials), surveyed, results)
    if as_json:
        output.show_json(_plan(loaded, trials, surveyed, remarks, about))
    else:
        _print_plan(loaded, trials, surveyed, remarks, about)
    faults = [f"{model.name} cannot be used: {model.error}" for model in surveyed if model.error]
    if len(left) == len(surveyed):
        faults.append("model.fit: none of the models fits into memory")
    if faults:
        raise LesionError("\n".join(faults))
    return 0


def models(as_json: options.Json = False) -> int:
    """List the models and architectures at hand.

    The bundled models, those in the Hugging Face cache, and which architectures can be damaged.

    Example: lesion models --json
    """
    from engine import catalog

    bundled = [
        {"name": model.name, "parameters": model.parameters, "summary": model.summary}
        for model in catalog.models().values()
    ]
    supported = [{"name": kind.name, "families": kind.families} for kind in catalog.architectures().values()]
    families = [
        {"name": family.name, "summary": family.summary, "models": list(family.members.values())}
        for family in catalog.families().values()
    ]
    cached = _cached_models()
    if as_json:
        output.show_json({"bundled": bundled, "families": families, "architectures": supported, "cached": cached})
        return 0
    output.show_table(
        ("model", "parameters", ""), [(m.name, f"{m.parameters:,}", m.summary) for m in catalog.models().values()]
    )
    output.show()
    output.show("Families, for names such as 'pythia:*' or 'pythia:1*':")
    output.show_table(
        ("family", "sizes", ""),
        [(family.name, ", ".join(family.members), family.summary) for family in catalog.families().values()],
    )
    output.show()
    output.show("Supported, from the Hub or a folder:")
    output.show_table(("architecture", "families"), [(kind["name"], kind["families"]) for kind in supported])
    output.show()
    output.show(f"In the cache {_cache_folder()}: {', '.join(cached) or 'no models'}")
    return 0


def doctor(as_json: options.Json = False, results: options.Results = options.RESULTS) -> int:
    """Show what Lesion finds on this host.

    Versions, processors, memory, GPUs, terminal, results folder.

    Example: lesion doctor --json
    """
    from app.commands import host

    facts = host.examine(results)
    if as_json:
        output.show_json(facts)
    else:
        for line in host.describe(facts):
            output.show(line)
    return 0


def schema() -> int:
    """Print the JSON schema of profiles, for editors and validators.

    Example: lesion schema > profiles/schema.json
    """
    from engine.profile.json_schema import json_schema

    output.show_json(json_schema(), indent=2)
    return 0


def _plan(
    profile: Profile, trials: list[Trial], surveyed: list[SurveyedModel], remarks: list[str], about: Expected
) -> dict[str, Any]:
    from dataclasses import asdict

    from engine.profile import seeds

    return {
        "profile": profile.name,
        "trials": len(trials),
        "baselines": sum(trial.baseline for trial in trials),
        "seeds": seeds(profile),
        "cells": [
            {"model": cell.model, "method": cell.method, "group": cell.group, "trials": count}
            for cell, count in _cells(trials).items()
        ],
        "models": [{**asdict(model), "verdict": model.verdict} for model in surveyed],
        "remarks": remarks,
        "about_seconds": about.seconds,
        "about_trial_seconds": about.models,
        "timed_in_earlier_runs": list(about.runs),
        "timed_by": about.runs,
        "about_basis": about.basis,
    }


def _possible(profile: Profile) -> list[Trial]:
    """The trials; of what adds others, such a one as often as there may be."""
    from engine.profile import Search, grid

    known, adding = grid(profile)
    added = ((one.trial(one.axis.stop, 0) if isinstance(one, Search) else one.first[0], one.most) for one in adding)
    return [*known, *(trial for trial, most in added for _ in range(most))]


class _Cell(NamedTuple):
    """All trials of one model, method and group. `shared` is the group without its layer where that is exactly one,
    else None; `group` is None for baselines."""

    model: str
    method: str
    group: str | None
    shared: str | None


def _cells(trials: list[Trial]) -> Counter[_Cell]:
    """The number of trials of each, in the order of the grid."""
    from engine.profile import Where
    from engine.profile.places import single_layer

    def cell(trial: Trial) -> _Cell:
        where = Where.of(trial)
        shared = None if single_layer(trial.layers) is None else replace(where, layers="").label
        return _Cell(trial.model, trial.method, where.label, shared)

    return Counter(map(cell, trials))


def _print_plan(
    profile: Profile, trials: list[Trial], surveyed: list[SurveyedModel], remarks: list[str], about: Expected
) -> None:
    from engine.analysis.names import short_names
    from engine.profile import seeds

    names = short_names(model.name for model in surveyed)
    surveyed = [replace(model, name=names[model.name]) for model in surveyed]
    every = seeds(profile)
    listed = ", ".join(map(str, every[:8])) + (f", … {every[-1]}" if len(every) > 8 else "")
    open_ended = profile.seeds.until or any(damage.sought for damage in profile.damage)
    most = "at most " if open_ended else ""
    output.show(f"{profile.name}: {most}{len(trials)} trials, seeds {listed}")
    output.show()
    output.show_table(("model", "method", "group", "trials"), _plan_rows(_cells(trials), names))
    output.show()
    output.show_table(
        ("model", "architecture", "parameters", "dtype", "weights", "needs", "free", ""), [_memory(m) for m in surveyed]
    )
    output.show()
    output.show(f"about {words.duration(about.seconds)}, {about.basis}")
    for line in [note for model in surveyed for note in _notes(model)] + _shared_notes(surveyed) + remarks:
        output.show(f"note: {line}")


def _plan_rows(cells: Counter[_Cell], names: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A row a model, method and group; single layers of one group share theirs."""
    rows: dict[tuple[str, str, str | None, bool], list[tuple[str | None, int]]] = {}
    for (model, method, group, shared), count in cells.items():
        alone = shared is not None
        key = (names[model], "baseline" if group is None else method, shared if alone else group, alone)
        rows.setdefault(key, []).append((group, count))
    return [
        (
            model,
            method,
            f"{group}, {len(each)} layers one by one" if len(each) > 1 else each[0][0] or "",
            str(sum(count for _, count in each)),
        )
        for (model, method, group, _), each in rows.items()
    ]


def _memory(model: SurveyedModel) -> tuple[str, ...]:
    if model.error:
        return (model.name, *["-"] * 6, model.verdict)
    sizes = (words.size(count) for count in (model.weights_bytes, model.need_bytes, model.free_bytes))
    return (model.name, model.architecture, f"{model.parameters:,}", model.dtype, *sizes, model.verdict)


def _notes(model: SurveyedModel) -> list[str]:
    tied = "input and output embeddings are tied: damage to embed_only reaches the unembedding too"
    smaller = [f"{measure} in batches of {size}, for larger ones do not fit" for measure, size in model.batch.items()]
    notes = [*([tied] if model.tied else []), *model.notes, *(smaller if model.fits else [])]
    return [f"{model.name}: {note}" for note in notes]


def _shared_notes(surveyed: list[SurveyedModel]) -> list[str]:
    """What is to be said of several models at once."""
    notes = []
    if published := [model.name for model in surveyed if model.unreachable]:
        told = "estimated from the published shape; the Hub was not reached, or does not give the files"
        notes.append(f"{', '.join(published)}: {told}")
    if any(model.verdict != "fits" and not model.error for model in surveyed):
        notes.append(f"{words.size(surveyed[0].reserve_bytes)} of the free memory are to stay free")
    return notes


def _cache_folder() -> Path:
    """Where the Hugging Face libraries keep downloaded models."""
    if explicit := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(explicit).expanduser()
    fallback = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return (Path(os.environ.get("HF_HOME", fallback)) / "hub").expanduser()


def _cached_models() -> list[str]:
    """Hub ids of the cached models that have a configuration, told from the names of the folders."""
    configured = {file.parents[2].name for file in _cache_folder().glob("models--*/snapshots/*/config.json")}
    return sorted(name.removeprefix("models--").replace("--", "/") for name in configured)
