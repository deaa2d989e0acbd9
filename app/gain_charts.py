"""Charts of the surveys of gains: gain over depth, a line a model, and gain against head density."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from app.charts import COLOURS, MARKERS, Axis, as_text, wrapped
from app.words import rounded
from engine.analysis import CHANGE, Scaling
from engine.analysis.gains import (
    DENSE,
    HYPOTHESISED_EXPONENT,
    PARTS,
    HeadDensity,
    LayerGains,
    hypothesis,
    layer_part,
)
from engine.analysis.power_law import power_of_ten
from engine.catalog.columns import metric_of

PREDICTED = {"7B": 7e9, "12B": 12e9, "13B": 13e9, "70B": 70e9, "175B": 175e9, "1T": 1e12}
"""The sizes for which the survey gives what its law predicts."""


def layer_chart(
    gains: Sequence[LayerGains], metric: str, *, width: int = 80, height: int = 24, colour: bool = True
) -> str:
    """Gain over depth as text, with a caption of what was left out; see `draw_layers`."""
    caption = wrapped(layer_caption(gains), width)
    if not any(_points(one) for one in gains):
        return "\n".join([f"{_title(metric)}: no value above zero to draw", *caption])
    return as_text(lambda plt: draw_layers(plt, gains, metric), caption, width, height, colour)


def draw_layers(plt: Any, gains: Sequence[LayerGains], metric: str, *, colours: Sequence[Any] = COLOURS) -> None:
    """Gain over depth on a log axis, a line a model; what is not a number above zero is left out."""
    plt.title(_title(metric))
    shown = [value for one in gains for _, value in _points(one)]
    if not shown:
        return
    y = Axis(log=True)
    plt.xlabel("depth: 0 the first layer, 1 the last")
    plt.xlim(-0.3, 1.04)  # the models' names stand left of the first layer
    Axis(log=False).ticks(plt, "x", [0.0, 0.25, 0.5, 0.75, 1.0])
    y.apply(plt, "y", "gain", shown)
    for place, one in enumerate(gains):
        points, colour = _points(one), colours[place % len(colours)]
        if points:
            at, heights = [depth for depth, _ in points], y.places(value for _, value in points)
            plt.plot(at, heights, marker="braille", color=colour)
            plt.scatter(at, heights, marker=MARKERS[place % len(MARKERS)], color=colour, label=one.model)


def layer_caption(gains: Sequence[LayerGains]) -> list[str]:
    """Of each model the last layer's gain, the largest with its layer, and how many are below 1."""
    said = []
    for one in gains:
        finite = [gain for gain in one.gains if not math.isnan(gain)]
        if finite:
            below = sum(gain < 1 for gain in one.gains)
            largest = max(finite)
            said.append(
                f"{one.model}: last {rounded(one.gains[-1])}, largest {rounded(largest)} in layer "
                f"{one.gains.index(largest)}, {below} of {len(one.gains)} layers below 1"
            )
        if left := len(one.gains) - len(_points(one)):
            said.append(f"{one.model}: {left} layers without a finite gain above zero are not drawn")
    return said


def density_chart(density: HeadDensity, metric: str, *, width: int = 80, height: int = 24, colour: bool = True) -> str:
    """Gain against rho as text, with the correlation, the rates and the verdict; see `draw_density`."""
    caption = wrapped(density_caption(density), width)
    if not density.models:
        return "\n".join([f"{metric} · head density: no finite value to draw", *caption])
    return as_text(lambda plt: draw_density(plt, density, metric), caption, width, height, colour)


def draw_density(plt: Any, density: HeadDensity, metric: str, *, colours: Sequence[Any] = COLOURS) -> None:
    """A point a model; the dotted lines part dampening from expansion, and dense heads from others."""
    plt.title(f"{metric} · head density")
    if not density.models:
        return
    rho_axis, gain_axis = Axis.of(density.rho), Axis.of(density.gain)
    x = rho_axis.apply(plt, "x", "rho: heads / head size", [*density.rho, DENSE])
    y = gain_axis.apply(plt, "y", metric, [*density.gain, 1.0])
    plt.plot(list(x), gain_axis.places([1.0, 1.0]), marker="·")
    plt.plot(rho_axis.places([DENSE, DENSE]), list(y), marker="·")
    points = zip(density.models, rho_axis.places(density.rho), gain_axis.places(density.gain), strict=True)
    for place, (model, rho, gain) in enumerate(points):
        plt.scatter(
            [rho], [gain], marker=MARKERS[place % len(MARKERS)], color=colours[place % len(colours)], label=model
        )


def density_caption(density: HeadDensity) -> list[str]:
    """Pearson's r, both rates and the survey's verdict."""
    r = "too few models" if density.r is None or density.p is None else f"{density.r:.4f}, p {density.p:.2g}"
    said = [
        f"Pearson's r of rho and gain: {r}",
        f"dampening among rho >= {DENSE:g}: {_rate(density.dampening)}; "
        f"expansion among the others: {_rate(density.expansion)}",
        f'verdict of the survey on "dense heads dampen": {density.verdict}',
    ]
    return said + ([f"left out for want of a finite gain: {density.dropped}"] if density.dropped else [])


def law_caption(law: Scaling) -> list[str]:
    """The fitted law in full, against the hypothesised exponent, with its predictions; nothing without a fit."""
    held = hypothesis(law)
    if held is None or law.exponent is None or law.intercept is None:
        return []
    difference, within = held
    predicted = ", ".join(f"{name} {rounded(law.at(size))}" for name, size in PREDICTED.items())
    return [
        f"law: {power_of_ten(law.intercept):.4g} · parameters^{law.exponent:.4f}; the survey supposed "
        f"{HYPOTHESISED_EXPONENT}, {difference:+.4f} away, {'within' if within else 'not within'} one standard error",
        f"the law predicts: {predicted}",
    ]


def is_density(metric: str) -> bool:
    """Whether a metric is a gain that the survey sets against head density."""
    name = metric_of(metric).name
    return name.startswith("residual_gain") and not name.endswith(("_std", CHANGE))


def _title(metric: str) -> str:
    label, name = metric_of(metric)
    part = PARTS[layer_part(name) or "mlp_gain"][2]
    return f"{label + ' · ' if label else ''}{part} by layer · undamaged"


def _points(one: LayerGains) -> list[tuple[float, float]]:
    return [(depth, gain) for depth, gain in zip(one.depth, one.gains, strict=True) if math.isfinite(gain) and gain > 0]


def _rate(share: float | None) -> str:
    return "none there" if share is None else f"{share:.0%}"
