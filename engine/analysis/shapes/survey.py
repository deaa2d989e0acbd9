"""The surveys' results JSON: gains of each undamaged model by layer, with the law or the correlation that they come
to."""

import math
from typing import Any

from engine.analysis.gains import HYPOTHESISED_EXPONENT, density_of, hypothesis
from engine.analysis.power_law import fit
from engine.analysis.shapes.recorded import EXTENSION, Recorded, Shaped, plain
from engine.errors import LesionError
from engine.record.kinds import number
from engine.record.trials import TrialRecord

_RESIDUAL = {
    "residual_gain_before_last": "residual_gain_mean",
    "residual_gain_before_last_std": "residual_gain_std",
    "residual_gain_normed": "gain_with_ln_mean",
    "residual_gain_normed_std": "gain_with_ln_std",
    "rho": "rho",
}
_LAST = {"mlp_gain_last": "last_layer_mlp_gain", "attention_gain_last": "last_layer_attention_gain"}


def survey_json(recorded: Recorded) -> Shaped:
    """Every undamaged model that has gains. Raises LesionError where none has."""
    models: dict[str, dict[str, Any]] = {}
    for record in recorded.trials:
        if record.baseline and record.model not in models and (entry := _entry(recorded, record)):
            models[record.model] = entry
    if not models:
        raise LesionError(f"{recorded.run.name} has no gains: they are what gains and residual_gain measure")
    entries = list(models.values())
    held: dict[str, Any] = {
        "experiment": recorded.profile.name,
        "date": next((record.started for record in recorded.trials if record.started), None),
        "n_models": len(entries),
    }
    held |= {"precision": recorded.profile.model.dtype, "models": entries}
    held |= _law(entries) if any("mlp" in entry for entry in entries) else {}
    held |= _density(entries) if any("rho" in entry for entry in entries) else {}
    left = len(recorded.trials) - len(entries)
    notes = (f"{left} more trials are not in this format, which is of undamaged models",) if left else ()
    return Shaped({"survey.json": plain(held)}, len(entries), notes)


def _entry(recorded: Recorded, record: TrialRecord) -> dict[str, Any]:
    """One model; empty where it has no gains."""
    gains, residual = (recorded.artifact(record, name) for name in ("gains", "residual_gain"))
    known = {theirs: record.metrics[ours] for ours, theirs in (_LAST | _RESIDUAL).items() if ours in record.metrics}
    if record.status != "ok" or not (gains or residual or known):
        return {}
    entry: dict[str, Any] = {"model": record.model, "n_params": record.parameters} | known
    for part in ("attention", "mlp"):
        if isinstance(layers := gains.get(part), list):
            entry |= {"n_layers": len(layers), part: _part([number(one) for one in layers])}
    if isinstance(layers := residual.get("gains"), list):
        last = residual.get("last_normed", record.metrics.get("residual_gain_normed"))
        every = [number(one) for one in (*layers[:-1], last)]
        entry |= {"n_layers": len(layers), "all_layer_gains": every}
    kept = {name: one for name, one in (("gains", gains), ("residual_gain", residual)) if one}
    return entry | {EXTENSION: {"record": record.encode()} | kept}


def _part(gains: list[float]) -> dict[str, Any]:
    below = sum(gain < 1 for gain in gains)
    return {
        "gains": gains,
        "min_gain": min(gains),
        "max_gain": max(gains),
        "n_contracting": below,
        "n_expanding": len(gains) - below,
    }


def _law(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """How the last layer's MLP gain goes with the parameters, where a law can be fitted."""
    points = [(one["n_params"], one["last_layer_mlp_gain"]) for one in entries if one.get("last_layer_mlp_gain")]
    usable = [(size, gain) for size, gain in points if size and math.isfinite(gain) and gain > 0]
    law = fit([size for size, _ in usable], [gain for _, gain in usable])
    held = hypothesis(law)
    if held is None:
        return {}
    difference, within = held
    return {
        "scaling_law": {
            "exponent_alpha": law.exponent,
            "exponent_std_err": law.stderr,
            "intercept": law.intercept,
            "r_squared": law.r2,
            "p_value": law.p,
            "formula": "log10(gain) = intercept + exponent_alpha * log10(parameters)",
        },
        "hypothesis_test": {
            "hypothesized_alpha": HYPOTHESISED_EXPONENT,
            "measured_alpha": law.exponent,
            "difference": difference,
            "within_1_std_err": within,
        },
    }


def _density(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Head density against gain, with the survey's verdict."""
    points = [
        (str(one["model"]), float(one["rho"]), float(one["residual_gain_mean"]))
        for one in entries
        if "rho" in one and "residual_gain_mean" in one
    ]
    found = density_of(points)
    analysis = {
        "rho_gain_correlation": found.r,
        "correlation_p_value": found.p,
        "high_rho_dampen_rate": found.dampening,
        "low_rho_expand_rate": found.expansion,
    }
    return {"analysis": analysis, "verdict": found.verdict.upper()}
