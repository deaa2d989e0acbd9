"""A run as a paper or a model card has it: how it was done, and what was found, every number the run's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsInt

from engine import catalog
from engine.analysis.curves import check_metric
from engine.analysis.names import short_names
from engine.analysis.statistics.summary import Summary, summarise
from engine.analysis.tables import headlines, metric_names, table
from engine.catalog.columns import CHANGE
from engine.errors import LesionError
from engine.profile import Damage, Measure, Profile, grid, seeds
from engine.profile.grid import stage_of
from engine.profile.options import unusual
from engine.profile.places import Where, stages_in_words
from engine.record.directory import read_profile
from engine.record.manifest import Manifest, earlier, read_manifest
from engine.record.records import read_trials
from engine.record.seeking import Seeker

if TYPE_CHECKING:
    import pandas as pd

_SOFTWARE = ("torch", "transformers", "bitsandbytes", "lm-eval")
"""Packages that a paper names, where they had a part."""


@dataclass(frozen=True)
class Finding:
    """A metric of all trials that differ in nothing but the seed. `missing` of them have no value: they failed, or ran
    out of memory. `change`: its change from the undamaged model in percent; None where there is no percentage."""

    model: str
    method: str
    group: str
    level: float | None
    metric: str
    value: Summary
    change: Summary | None
    missing: int


@dataclass(frozen=True)
class Card:
    """`facts` says how the run was made, as plain data; `findings` are in the order of the trials."""

    run: str
    facts: dict[str, Any]
    findings: list[Finding]


def card(run: Path, metrics: Sequence[str] | None = None) -> Card:
    """The card of a run; `metrics`: those of the findings, by default what charts draw.

    Raises LesionError where the run cannot be read, has no finished trial, or none of these metrics.
    """
    profile, manifest, frame = read_profile(run), read_manifest(run), table(run)
    if frame.empty:
        raise LesionError(f"{run.name} has no finished trial to tell of")
    for metric in metrics or ():
        check_metric(frame, metric)
    chosen = list(dict.fromkeys(metrics or headlines(metric_names([frame.columns]))))
    facts = _facts(profile, manifest, frame)
    added = _added(run, profile)
    facts["trials"]["planned"], facts["until"] = added["planned"], added["until"]
    return Card(run.resolve().name, facts, list(_findings(frame, chosen)))


def _findings(frame: pd.DataFrame, metrics: Sequence[str]) -> Iterator[Finding]:
    cells = frame.groupby(["model", "method", "group", "level"], sort=False, dropna=False)
    for (model, method, group, dose), rows in cells:
        level = float(str(dose))
        place = (str(model), str(method), group if isinstance(group, str) else "", None if math.isnan(level) else level)
        ok = rows[rows["status"] == "ok"]
        for metric in metrics:
            value = summarise(ok[metric])
            if not value.n + value.nonfinite:
                continue
            changes = summarise(ok[metric + CHANGE]) if method != "none" else None
            change = changes if changes is not None and changes.n else None
            yield Finding(*place, metric, value, change, len(rows) - len(ok))


def _added(run: Path, profile: Profile) -> dict[str, Any]:
    """How many trials the profile comes to, where searches go on at most, and how seeds were added where they were."""
    until = profile.seeds.until
    if until is None and not any(damage.sought for damage in profile.damage):
        return {"planned": profile.trial_count, "until": None}
    known, adding = grid(profile, run, earlier(run))
    seeker = Seeker(adding, read_trials(run))
    told = None
    if until is not None:
        ended = [one for one in seeker.grown if not one.awaited]
        narrow = sum(until.narrow(one.values) for one in ended)
        told = until.model_dump(mode="json") | {"cells": len(seeker.grown), "ended": len(ended), "narrow": narrow}
    return {"planned": len(known) + seeker.most, "until": told}


def _facts(profile: Profile, manifest: Manifest, frame: pd.DataFrame) -> dict[str, Any]:
    counts = frame["status"].value_counts()
    packages = manifest.get("packages", {})
    return {
        "models": _models(profile, manifest, frame),
        "load_in": profile.model.load_in,
        "damage": [_damage(damage) for damage in profile.damage if damage.method != "none"],
        "seeds": seeds(profile),
        "measurements": [_measurement(one) for one in profile.measure],
        "trials": {"finished": len(frame)} | {status: int(counts.get(status, 0)) for status in ("ok", "failed", "oom")},
        "software": {"lesion": manifest.get("lesion"), "python": manifest.get("python")}
        | {name: packages[name] for name in _SOFTWARE if packages.get(name) and _has_part(name, profile)},
        "additions": manifest.get("additions", {}),
        "draw_version": manifest.get("draw_version"),
        "processor": manifest.get("processor"),
        "threads": manifest.get("threads"),
        "devices": _devices(manifest),
        "resumed": sum("changed" in start for start in manifest.get("started", [])),
        "created": manifest.get("created"),
        "imported": _imported(manifest),
    }


def _has_part(package: str, profile: Profile) -> bool:
    if package == "bitsandbytes":
        return profile.model.load_in != "none"
    return package != "lm-eval" or any(one.name == "lm_eval" for one in profile.measure)


def _models(profile: Profile, manifest: Manifest, frame: pd.DataFrame) -> list[dict[str, Any]]:
    names, facts = short_names(profile.model.names), manifest.get("models", {})
    sizes = dict(zip(frame["model"], frame["params"], strict=True))
    return [
        {"name": names[model], "parameters": _whole(sizes[names[model]])}
        | {key: facts.get(model, {}).get(key) for key in ("dtype", "revision", "digest")}
        for model in profile.model.names
        if names[model] in sizes
    ]


def _whole(count: Any) -> int | None:
    """A count of a frame, where it has one."""
    return int(count) if isinstance(count, SupportsInt) else None


def _damage(damage: Damage) -> dict[str, Any]:
    info = catalog.method(damage.method)
    select = [one.select.identity for one in damage.separate() if one.select is not None]
    return {
        "method": damage.method,
        "summary": info.summary,
        "draws": info.draws,
        "groups": list(damage.groups),
        "symbol": info.level.symbol if info.level else "",
        "levels": list(damage.levels),
        "sought": damage.sought.model_dump(mode="json", by_alias=True, exclude_none=True) if damage.sought else None,
        "layers": Where.narrowed("", damage.layers).layers,
        "each_layer": Where.narrowed("", damage.each_layer).layers,
        "heads": Where.narrowed("", damage.heads).layers,
        "experts": Where.narrowed("", damage.experts).layers,
        "options": unusual(info, damage.options),
        "select": [Where.narrowed("", select=one).select for one in select],
        "before": stages_in_words([stage_of(one) for one in damage.before]),
        "then": stages_in_words([stage_of(one) for one in damage.then]),
    }


def _imported(manifest: Manifest) -> dict[str, Any] | None:
    """Where a run comes from that another program made; None for our own."""
    source = manifest.get("imported")
    if source is None:
        return None
    told = {"format": source.get("format"), "digest": source.get("digest"), "metrics": source.get("metrics", {})}
    return told | {"files": len(source.get("files", {}))}


def _measurement(measure: Measure) -> dict[str, Any]:
    return {"name": measure.name} | measure.model_dump(mode="json", exclude_none=True, exclude={"name"})


def _devices(manifest: Manifest) -> list[str]:
    """What computed: the names of GPUs where there are any, else the devices."""
    workers = manifest.get("workers", {})
    gpus = [gpu.get("name", "") for facts in workers.values() for gpu in facts.get("gpus", [])]
    return list(dict.fromkeys(gpus)) or list(workers) or list(manifest.get("devices", []))
