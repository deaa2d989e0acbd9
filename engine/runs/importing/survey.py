"""The surveys' results: gains of attention and MLP, or of the residual stream, layer by layer, of one model or several.

A file is one JSON object: a model by itself, a list `models`, or an object `results` by model. Lengths, layers and
means are those of Lesion's own measurements, and so are the metrics; but what the surveys call the last layer of the
residual stream without the norm is the block before the last.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import LesionError
from engine.runs.importing import values
from engine.runs.importing.found import Found, size_of
from engine.runs.importing.tree import Tree

_RESIDUAL = {
    "gain_with_ln_mean": "residual_gain_normed",
    "gain_with_ln_std": "residual_gain_normed_std",
    "gain_no_ln_mean": "residual_gain_before_last",
    "gain_no_ln_std": "residual_gain_before_last_std",
    "residual_gain_mean": "residual_gain_before_last",
    "residual_gain_std": "residual_gain_before_last_std",
    "rho": "rho",
}
"""By what the surveys call it, what Lesion does."""
_LAST = {"last_layer_mlp_gain": "mlp_gain_last", "last_layer_attention_gain": "attention_gain_last"}
_SIZES = ("n_params", "num_parameters", "parameters")
_DTYPES = ("float32", "float16", "bfloat16")


class SurveyJson:
    """Reads them; see Format."""

    name = "survey-json"

    def find(self, tree: Tree, model: str | None) -> Sequence[Found]:
        """A run a file."""
        return [_read(tree, name, held) for name, held in _surveys(tree)]


def _surveys(tree: Tree) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in tree.names:
        if name.endswith(".json"):
            held = tree.json(name)
            if isinstance(held, dict) and any(_is_model(one) for _, one in _entries(held)):
                yield name, held


def _entries(held: dict[str, Any]) -> list[tuple[str | None, Any]]:
    """What may be models, each with its name where that stands beside it."""
    if isinstance(models := held.get("models"), list):
        return [(None, one) for one in models]
    if isinstance(results := held.get("results"), dict):
        return list(results.items())
    return [(None, held)]


def _is_model(entry: Any) -> bool:
    """Whether an object tells the gains of a model."""
    if not isinstance(entry, dict):
        return False
    return any(key in entry for key in ("all_layer_gains", *_RESIDUAL, *_LAST)) or any(
        _holder(entry, part) is not None for part in ("attention", "mlp")
    )


def _holder(entry: dict[str, Any], part: str) -> tuple[dict[str, Any], str] | None:
    """Where the gains of attention or MLP stand: `mlp.gains`, or `mlp_gains`."""
    if isinstance(nested := entry.get(part), dict) and "gains" in nested:
        return nested, "gains"
    return (entry, f"{part}_gains") if f"{part}_gains" in entry else None


def _read(tree: Tree, name: str, held: dict[str, Any]) -> Found:
    title = name.rpartition("/")[2].removesuffix(".json")
    about = held.get("experiment")
    described = f"a survey of gains, as published: {about if isinstance(about, str) else title}"
    found = Found(title, SurveyJson.name, described, tree)
    found.use(name, keep=True)
    if (precision := held.get("precision")) in _DTYPES:
        found.model["dtype"] = precision
    for number, (named, entry) in enumerate(_entries(held)):
        where = f"{tree.where(name)}, model {named or number + 1},"
        if not isinstance(entry, dict):
            raise LesionError(f"{where} is not an object in braces")
        _add(found, name, entry, named, held, where)
    if more := [key for key in ("analysis", "verdict", "hypothesis_test", "h25_verdict", "scaling_law") if key in held]:
        found.notes.append(f"what the survey concluded ({', '.join(more)}) stays as it is in artifacts/source")
    return found


def _add(
    found: Found, source: str, entry: dict[str, Any], named: str | None, held: Mapping[str, Any], where: str
) -> None:
    """The baseline of one model, with its gains by layer as Lesion's measurements leave them."""
    if isinstance(extension := entry.get("lesion"), dict):
        record = found.own(extension.get("record"), source, where)
        for measurement in ("gains", "residual_gain"):
            if isinstance(artifact := extension.get(measurement), dict):
                found.attach_json(record, measurement, measurement, artifact)
        return
    model = next((entry[key] for key in ("path", "model", "model_name") if isinstance(entry.get(key), str)), named)
    if not model:
        raise LesionError(f"{where} has no 'model', where its name is expected")
    gains = {part: values.figures(*place, where) for part in ("attention", "mlp") if (place := _holder(entry, part))}
    metrics = _gains(gains)
    metrics |= {ours: values.figure(entry, theirs, where) for theirs, ours in _LAST.items() if theirs in entry}
    metrics |= {ours: values.figure(entry, theirs, where) for theirs, ours in _RESIDUAL.items() if theirs in entry}
    size = next((values.count(entry, key, where) for key in _SIZES if key in entry), size_of(model))
    record = found.trial(model, 0, source, metrics=metrics, parameters=size)
    if gains:
        count = entry.get("n_prompts", held.get("n_prompts"))
        found.attach_json(record, "gains", "gains", ({"prompts": count} if count is not None else {}) | gains)
    if "all_layer_gains" in entry:
        layers = values.figures(entry, "all_layer_gains", where)
        found.attach_json(
            record, "residual_gain", "residual_gain", {"gains": [*layers[:-1], math.nan], "last_normed": layers[-1]}
        )
        said = "the last residual gain of a model has the final norm in it: it stands apart, and that layer has none"
        if said not in found.notes:
            found.notes.append(said)


def _gains(gains: Mapping[str, list[float]]) -> dict[str, float]:
    """The metrics of Lesion's measurement gains, of gains by layer; a gain that is nan makes the largest nan."""
    metrics: dict[str, float] = {}
    if attention := gains.get("attention"):
        metrics |= {
            "attention_gain_last": attention[-1],
            "attention_contracting": sum(gain < 1 for gain in attention) / len(attention),
        }
    if mlp := gains.get("mlp"):
        largest = next((layer for layer, gain in enumerate(mlp) if math.isnan(gain)), mlp.index(max(mlp)))
        metrics |= {
            "mlp_gain_last": mlp[-1],
            "mlp_gain_largest": mlp[largest],
            "mlp_gain_largest_layer": float(largest),
            "mlp_contracting": sum(gain < 1 for gain in mlp) / len(mlp),
        }
    return metrics
