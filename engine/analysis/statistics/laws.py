"""How a quantity goes with model size: a power law with what can be said of its exponent, and its rivals."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.analysis.statistics import FEWEST_SIZES
from engine.analysis.statistics.numbers import Floats

_FURTHEST = 290.0
"""Powers of ten between values; the ratio of those further apart is none that a float holds."""

FEW_SIZES = 5
"""Below this many sizes an exponent says little, and the fit says so."""


@dataclass(frozen=True)
class PowerLaw:
    """log10 value = intercept + exponent · log10 size, by least squares over the `n` models.

    `stderr` is the exponent's standard error, `p` the two-sided p-value of exponent 0, `low` and `high` its interval
    (95 % unless another confidence was asked for; Student's t, n - 2 degrees of freedom), `without_one` the smallest
    and the largest exponent that leaving out one model gives (nan where fewer than three sizes are left). Without a fit
    all are nan and `note` says why; otherwise `note` may warn.
    """

    n: int
    exponent: float
    stderr: float
    low: float
    high: float
    intercept: float
    r2: float
    p: float
    without_one: tuple[float, float]
    deviation: float
    """The standard deviation of the residuals in log10 of the value."""
    note: str
    _centre: float = math.nan
    _spread: float = math.nan

    @property
    def fitted(self) -> bool:
        """Whether there is a law."""
        return not math.isnan(self.exponent)

    def at(self, size: float) -> float:
        """The value that the law gives a model of `size`; nan without a law, inf where no float holds it."""
        return _power_of_ten(self.intercept + self.exponent * math.log10(size))

    def band(self, size: float, confidence: float = 0.95, *, of_mean: bool = False) -> tuple[float, float]:
        """Where the value of one more model of this size lies (with `of_mean`: where the law itself does)."""
        if not self.fitted or self.n < FEWEST_SIZES:
            return math.nan, math.nan
        from scipy.stats import t

        x = math.log10(size)
        part = 1 / self.n + (x - self._centre) ** 2 / self._spread + (0.0 if of_mean else 1.0)
        reach = float(t.ppf(0.5 + confidence / 2, self.n - 2)) * self.deviation * math.sqrt(part)
        middle = self.intercept + self.exponent * x
        return _power_of_ten(middle - reach), _power_of_ten(middle + reach)

    def against(self, exponent: float) -> tuple[float, float]:
        """The t statistic and the two-sided p-value of the law having this exponent."""
        if not self.fitted or self.n < FEWEST_SIZES:
            return math.nan, math.nan
        from scipy.stats import t

        distance = self.exponent - exponent
        if self.stderr == 0:
            return (0.0, 1.0) if distance == 0 else (math.copysign(math.inf, distance), 0.0)
        statistic = distance / self.stderr
        return statistic, float(2 * t.sf(abs(statistic), self.n - 2))


def power_law(
    sizes: Sequence[float],
    values: Sequence[float],
    errors: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> PowerLaw:
    """Fit a power law, one size and one value a model; what is not finite and above zero is left out.

    errors: the standard error of each value, by which models count: 1 / (error / value)², which is the inverse variance
    of the logarithm. All of them must be above zero, or none counts more than another, and the note says so.
    """
    spreads = [math.nan] * len(sizes) if errors is None else errors
    rows = [row for row in zip(sizes, values, spreads, strict=True) if _usable(row[0], row[1])]
    if (distinct := len({size for size, _, _ in rows})) < FEWEST_SIZES:
        text = f"a fit needs {FEWEST_SIZES} models of different size with a value above zero, here are {distinct}"
        return _nothing(len(rows), text)
    x, y = (np.log10([row[place] for row in rows]) for place in (0, 1))
    weights, note = _weights(rows) if errors is not None else (np.ones(len(rows)), "")
    if distinct < FEW_SIZES:
        note = "; ".join(filter(None, [f"{distinct} sizes say little of an exponent: {FEW_SIZES} are the least", note]))
    return _fit(x, y, weights, note, confidence)


def leave_one_out(x: Floats, y: Floats, weights: Floats) -> tuple[float, float]:
    """The smallest and the largest slope without one of the points; nan where fewer than three different x are left."""
    slopes = []
    for place in range(len(x)):
        rest = np.arange(len(x)) != place
        if len(set(x[rest])) >= FEWEST_SIZES:
            slopes.append(_line(x[rest], y[rest], weights[rest])[0])
    return (min(slopes), max(slopes)) if slopes else (math.nan, math.nan)


def _fit(x: Floats, y: Floats, weights: Floats, note: str, confidence: float) -> PowerLaw:
    from scipy.stats import t

    n = len(x)
    slope, intercept = _line(x, y, weights)
    centre = float((weights * x).sum() / weights.sum())
    spread = float((weights * (x - centre) ** 2).sum())
    residual = float((weights * (y - intercept - slope * x) ** 2).sum())
    total = float((weights * (y - (weights * y).sum() / weights.sum()) ** 2).sum())
    deviation = math.sqrt(residual / (n - 2))
    stderr = deviation / math.sqrt(spread)
    reach = float(t.ppf(0.5 + confidence / 2, n - 2)) * stderr
    r2 = 1 - residual / total if total > 0 else math.nan
    p = float(2 * t.sf(abs(slope) / stderr, n - 2)) if stderr > 0 else (1.0 if slope == 0 else 0.0)
    without_one = leave_one_out(x, y, weights)
    return PowerLaw(
        n, slope, stderr, slope - reach, slope + reach, intercept, r2, p, without_one, deviation, note, centre, spread
    )


def _line(x: Floats, y: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and intercept of weighted least squares."""
    share = weights / weights.sum()
    centre, middle = (share * x).sum(), (share * y).sum()
    slope = (share * (x - centre) * (y - middle)).sum() / (share * (x - centre) ** 2).sum()
    return float(slope), float(middle - slope * centre)


def _weights(rows: Sequence[tuple[float, float, float]]) -> tuple[Floats, str]:
    """Of mean 1, so that a residual stays in units of the value."""
    relative = np.array([error / value for _, value, error in rows])
    if not np.isfinite(relative).all() or (relative <= 0).any():
        return np.ones(len(rows)), "not weighted: a model has no spread over seeds"
    weights = relative**-2.0
    return weights / weights.mean(), ""


@dataclass(frozen=True)
class Rival:
    """One form of law: its name and formula, its parameters, the sum of squared residuals in log10 of the value, and
    AICc; nan with a `note` where it cannot be told."""

    name: str
    formula: str
    parameters: tuple[float, ...]
    residual: float
    aicc: float
    note: str = ""


def rivals(sizes: Sequence[float], values: Sequence[float]) -> list[Rival]:
    """A power law, one with an offset, and an exponential law, all fitted to the logarithms of the same values, the
    best by AICc (Hurvich and Tsai, 1989) first; those that cannot be told last."""
    rows = [(size, value) for size, value in zip(sizes, values, strict=True) if _usable(size, value)]
    x, y = (np.array([row[place] for row in rows], dtype=np.float64) for place in (0, 1))
    forms = [
        ("power", "a · N^b", _power),
        ("power with offset", "c + a · N^b", _power_with_offset),
        ("exponential", "a · e^(b·N)", _exponential),
    ]
    fitted = [_rival(name, formula, form, x, y) for name, formula, form in forms]
    return sorted(fitted, key=lambda rival: math.inf if math.isnan(rival.aicc) else rival.aicc)


_Form = Callable[[Floats, Floats], tuple[tuple[float, ...], Floats]]
"""From sizes and values to parameters and to residuals in log10 of the value."""


def _rival(name: str, formula: str, form: _Form, x: Floats, y: Floats) -> Rival:
    count = 3 if name == "power with offset" else 2
    if len(y) and float(np.log10(y).max() - np.log10(y).min()) > _FURTHEST:
        return Rival(name, formula, (), math.nan, math.nan, "the values lie too far apart to tell")
    if len(set(x)) < max(FEWEST_SIZES, count + 1):
        note = f"needs {max(FEWEST_SIZES, count + 1)} sizes, here are {len(set(x))}"
        return Rival(name, formula, (), math.nan, math.nan, note)
    parameters, residuals = form(x, y)
    squares = float((residuals**2).sum())
    n, k = len(x), count + 1  # the spread of the residuals is a parameter, too
    if n - k - 1 <= 0:
        return Rival(name, formula, parameters, squares, math.nan, f"AICc needs {k + 2} models, here are {n}")
    # Residuals of less than 1e-12 are rounding: their logarithm would rank forms by it.
    fit = n * math.log(max(squares, n * 1e-24) / n)
    return Rival(name, formula, parameters, squares, fit + 2 * k + 2 * k * (k + 1) / (n - k - 1))


def _power(x: Floats, y: Floats) -> tuple[tuple[float, ...], Floats]:
    slope, intercept = _line(np.log10(x), np.log10(y), np.ones(len(x)))
    return (_power_of_ten(intercept), slope), np.log10(y) - intercept - slope * np.log10(x)


def _exponential(x: Floats, y: Floats) -> tuple[tuple[float, ...], Floats]:
    slope, intercept = _line(x, np.log10(y), np.ones(len(x)))
    return (_power_of_ten(intercept), slope * math.log(10)), np.log10(y) - intercept - slope * x


def _power_with_offset(x: Floats, y: Floats) -> tuple[tuple[float, ...], Floats]:
    """The offset lies between 0 and the smallest value; it is sought from several starts, in units in which the middle
    size is 1 and the smallest value is 1."""
    from scipy.optimize import least_squares

    middle, floor = math.sqrt(x.min() * x.max()), float(y.min())
    sizes, goal = np.log(x / middle), np.log10(y / floor)

    def residuals(at: Floats) -> Floats:
        share, scale, slope = at
        with np.errstate(over="ignore"):
            value = share + np.exp(np.clip(scale + slope * sizes, -700, 700))
        off: Floats = goal - np.log10(value)
        return off

    fits = []
    for share in (0.0, 0.5, 0.9, 0.99):
        rest = np.maximum(y / floor - share, 1e-6)
        slope, scale = _line(sizes, np.log(rest), np.ones(len(x)))
        limits = ([0.0, -np.inf, -np.inf], [1.0, np.inf, np.inf])
        fits.append(least_squares(residuals, [share, scale, slope], bounds=limits, xtol=1e-14, ftol=1e-14, gtol=1e-14))
    best = min(fits, key=lambda fit: fit.cost)
    share, scale, slope = (float(number) for number in best.x)
    factor = floor * math.exp(min(700.0, scale)) * middle**-slope
    return (share * floor, factor, slope), residuals(best.x)


def _usable(size: float, value: float) -> bool:
    return math.isfinite(size) and math.isfinite(value) and size > 0 and value > 0


def _nothing(n: int, note: str) -> PowerLaw:
    nan = math.nan
    return PowerLaw(n, nan, nan, nan, nan, nan, nan, nan, (nan, nan), nan, note)


def _power_of_ten(exponent: float) -> float:
    try:
        return math.pow(10.0, exponent)
    except OverflowError:
        return math.inf
