"""What the surveys of gains look at: gains by layer, the law of gain and size, and gain against head density."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine import files
from engine.analysis.curves import check_metric
from engine.analysis.names import short_names
from engine.analysis.power_law import FEWEST_POINTS, Scaling
from engine.analysis.tidy import in_order
from engine.catalog.columns import labelled, metric_of
from engine.errors import LesionError
from engine.record.columns import cells_of
from engine.record.growing_table import read_columns
from engine.record.records import record_at
from engine.record.trials import TrialRecord

if TYPE_CHECKING:
    import pandas as pd

HYPOTHESISED_EXPONENT = 0.35
"""The published guess at how the last layer's MLP gain grows with the parameters."""

DENSE = 0.2
"""Heads over head size from which on a model's heads count as dense."""

_FITTING_R = -0.3
_FITTING_RATE = 0.5

PARTS = {
    "mlp_gain": ("gains", "mlp", "MLP gain"),
    "attention_gain": ("gains", "attention", "attention gain"),
    "residual_gain": ("residual_gain", "gains", "residual gain"),
}
"""The first words of a metric: the measurement, the key of its artifact that has it by layer, and what it is called."""


@dataclass(frozen=True)
class LayerGains:
    """The gain of every layer of one undamaged model, first to last; nan and inf are kept."""

    model: str
    gains: tuple[float, ...]

    @property
    def depth(self) -> tuple[float, ...]:
        """The place of each layer: 0 is the first, 1 the last."""
        return tuple(layer / max(len(self.gains) - 1, 1) for layer in range(len(self.gains)))


@dataclass(frozen=True)
class HeadDensity:
    """Gain against rho, the heads of a layer over the size of a head, a point an undamaged model.

    `r` is Pearson's correlation and `p` its two-sided p-value, None below three models or where nothing varies.
    `dampening` is the share with a gain below 1 among models with rho >= DENSE, `expansion` that of the others with a
    gain of 1 or more; None where there are none. `verdict` on the survey's hypothesis that dense heads dampen:
    "validated" where `dampening` is above one half or r below -0.3, else "inconclusive" below three models, else "not
    validated". `dropped` counts models without a finite gain.
    """

    models: tuple[str, ...]
    rho: tuple[float, ...]
    gain: tuple[float, ...]
    r: float | None
    p: float | None
    dampening: float | None
    expansion: float | None
    verdict: str
    dropped: int


def layer_part(metric: str) -> str | None:
    """The key in PARTS of a metric that is also known layer by layer."""
    return next((part for part in PARTS if metric_of(metric).name.startswith(part)), None)


def by_layer(run: Path, metric: str) -> list[LayerGains]:
    """The layer-by-layer gains behind `metric` (see PARTS), of every undamaged model whose artifact is there.

    Raises LesionError where an artifact cannot be read.
    """
    if (part := layer_part(metric)) is None:
        return []
    label = metric_of(metric).label
    models, records = undamaged(run)
    names = short_names(models)
    by_model: dict[str, LayerGains] = {}
    for record in records:
        if record.model not in by_model and (gains := _gains(run, record, part, label)) is not None:
            by_model[record.model] = LayerGains(names[record.model], gains)
    return list(by_model.values())


def undamaged(run: Path) -> tuple[list[str], Iterator[TrialRecord]]:
    """The run's models, and its baselines that have a result, read one by one, both in the order of the grid."""
    trials = in_order(read_columns(run))
    codes, cells = cells_of(trials)
    models = list(dict.fromkeys(cells[code].model for code in dict.fromkeys(codes.tolist())))
    wanted = [cell.baseline and cell.status == "ok" for cell in cells]
    starts = [start for start, code in zip(trials["start"].to_pylist(), codes.tolist(), strict=True) if wanted[code]]
    return models, (record for record in (record_at(run, start) for start in starts) if record is not None)


def _gains(run: Path, record: TrialRecord, part: str, label: str) -> tuple[float, ...] | None:
    """From the artifact of the measurement among those that the record names; None where there is none, or no file."""
    measurement, key, _ = PARTS[part]
    for name in record.artifacts or ():
        if not name.endswith(".json"):
            continue
        try:
            content = json.loads(files.read_bytes(run / name, below=run))
            if (content["measurement"], content["label"] or "") == (measurement, label):
                return tuple(float(gain) for gain in content[key])
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LesionError(f"{run / name} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LesionError(f"{run / name} does not hold the gains of a model by layer: {error!r}") from None
    return None


def head_density(frame: pd.DataFrame, metric: str = "residual_gain") -> HeadDensity:
    """The undamaged models of the table by their rho and a metric of residual gain; `label.` in front is minded.

    Raises LesionError where the table has no such metric, or no rho beside it.
    """
    rho = labelled(metric_of(metric).label, "rho")
    for name in (metric, rho):
        check_metric(frame, name)
    undamaged = frame[frame["method"] == "none"].drop_duplicates("model")
    points = [
        (str(model), float(density), float(gain))
        for model, density, gain in zip(undamaged["model"], undamaged[rho], undamaged[metric], strict=True)
        if math.isfinite(density) and math.isfinite(gain)
    ]
    return density_of(points, len(undamaged) - len(points))


def density_of(points: Sequence[tuple[str, float, float]], dropped: int = 0) -> HeadDensity:
    """What (model, rho, gain) of several models come to."""
    rho, gain = [point[1] for point in points], [point[2] for point in points]
    r = p = None
    if len(points) >= FEWEST_POINTS and len(set(rho)) > 1 and len(set(gain)) > 1:
        from scipy.stats import pearsonr

        correlation = pearsonr(rho, gain)
        r, p = float(correlation.statistic), float(correlation.pvalue)
    dampening = _share([one < 1 for density, one in zip(rho, gain, strict=True) if density >= DENSE])
    expansion = _share([one >= 1 for density, one in zip(rho, gain, strict=True) if density < DENSE])
    verdict = "inconclusive" if len(points) < FEWEST_POINTS else "not validated"
    if (dampening is not None and dampening > _FITTING_RATE) or (r is not None and r < _FITTING_R):
        verdict = "validated"
    names = tuple(point[0] for point in points)
    return HeadDensity(names, tuple(rho), tuple(gain), r, p, dampening, expansion, verdict, dropped)


def _share(answers: Sequence[bool]) -> float | None:
    return sum(answers) / len(answers) if answers else None


def hypothesis(law: Scaling) -> tuple[float, bool] | None:
    """How far the fitted exponent lies above the hypothesised one, and whether within its standard error; None without
    a fit."""
    if law.exponent is None or law.stderr is None:
        return None
    difference = law.exponent - HYPOTHESISED_EXPONENT
    return difference, abs(difference) <= law.stderr
