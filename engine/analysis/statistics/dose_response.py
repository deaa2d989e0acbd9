"""Dose and response: a logistic curve through the trials of one model, and the dose of half the damage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.analysis.statistics.numbers import Floats, largest

FEWEST_DOSES = 5
_PARAMETERS = 4


@dataclass(frozen=True)
class DoseResponse:
    """The four-parameter logistic curve y = start + (end - start) / (1 + (half / dose)^slope) over `n` trials, where y
    is the response or, with `log`, its log10.

    `half` is the dose of half the damage (ED50), `low` and `high` its interval (95 % unless asked otherwise; of the
    logarithm of the dose, by the curvature at the best fit and Student's t). `dropped` counts trials without a usable
    response. Without a fit all are nan and `note` says why; otherwise `note` may warn.
    """

    n: int
    dropped: int
    log: bool
    start: float
    end: float
    slope: float
    half: float
    low: float
    high: float
    note: str

    @property
    def bounded(self) -> bool:
        """Whether there is a dose of half the damage that lies among those tried, and that they bound."""
        return not math.isnan(self.half) and not self.note

    def at(self, dose: float) -> float:
        """The response that the curve gives a dose; nan without a fit."""
        if math.isnan(self.half) or dose < 0:
            return math.nan
        y = float(_curve(np.array([dose]), self.start, self.end, math.log(self.half), math.log(self.slope))[0])
        return _power_of_ten(y) if self.log else y


def dose_response(
    doses: Sequence[float], responses: Sequence[float], *, log: bool = True, confidence: float = 0.95
) -> DoseResponse:
    """Fit the curve to one dose and one response a trial. A dose is how far a level lies from the one that does
    nothing, 0 or more; trials at 0 show where the curve starts."""
    pairs = [(d, r) for d, r in zip(doses, responses, strict=True) if _usable(d, r, log)]
    dropped = len(doses) - len(pairs)
    x = np.array([dose for dose, _ in pairs], dtype=np.float64)
    y = np.array([math.log10(response) if log else response for _, response in pairs], dtype=np.float64)
    if (distinct := len(set(x))) < FEWEST_DOSES:
        note = f"a curve needs {FEWEST_DOSES} different doses with a response, here are {distinct}"
        return _nothing(len(pairs), dropped, log, note)
    if (y == y[0]).all():
        return _nothing(len(pairs), dropped, log, "the response does not change with the dose")
    return _fit(x, y, dropped, log, confidence)


def _fit(x: Floats, y: Floats, dropped: int, log: bool, confidence: float) -> DoseResponse:
    from scipy.stats import t

    size = largest(y)
    y = y / size  # the sum of very large responses overflows
    unit, origin = float(np.abs(y - y.mean()).max()), float(y.mean())
    parameters, jacobian = _best(x, (y - origin) / unit)
    start, end, log_half, log_slope = (float(number) for number in parameters)
    start, end = start * unit + origin, end * unit + origin
    low = high = math.nan
    free = len(x) - _PARAMETERS
    residual = _curve(x, start, end, log_half, log_slope) - y
    error = _error(jacobian, float((residual**2).sum()) / unit**2 / free, place=2) if free > 0 else math.nan
    if math.isfinite(error):
        reach = float(t.ppf(0.5 + confidence / 2, free)) * error
        low, high = _exp(log_half - reach), _exp(log_half + reach)
    half, strongest = _exp(log_half), float(x.max())
    note = ""
    if half > strongest:
        note = f"half the damage lies beyond the largest dose tried, {strongest:.4g}: the curve is a guess there"
    elif not math.isfinite(error) or high > 100 * half:
        note = "the doses tried hardly bound the dose of half the damage"
    return DoseResponse(len(x), dropped, log, start * size, end * size, _exp(log_slope), half, low, high, note)


def _best(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The parameters (start, end, ln half, ln slope) of least squares, from several starts, and the Jacobian there."""
    from scipy.optimize import least_squares

    positive = np.unique(x[x > 0])
    first, last = float(y[x == x.min()].mean()), float(y[x == x.max()].mean())
    lower, upper = math.log(positive[0]) - math.log(1e3), math.log(positive[-1]) + math.log(1e3)
    limits = ([-np.inf, -np.inf, lower, math.log(0.05)], [np.inf, np.inf, upper, math.log(50.0)])

    def residuals(at: Floats) -> Floats:
        return _curve(x, *(float(number) for number in at)) - y

    fits = []
    for half in np.unique(np.quantile(positive, [0.1, 0.3, 0.5, 0.7, 0.9])):
        for slope in (1.0, 4.0):
            begin = [first, last, math.log(half), math.log(slope)]
            fits.append(least_squares(residuals, begin, bounds=limits, xtol=1e-12, ftol=1e-12))
    best = min(fits, key=lambda fit: fit.cost)
    return best.x, np.asarray(best.jac, dtype=np.float64)


def _curve(x: Floats, start: float, end: float, log_half: float, log_slope: float) -> Floats:
    """The curve at doses of 0 and more; 0 is where it starts."""
    with np.errstate(divide="ignore", over="ignore"):
        steepness = np.exp(log_slope) * (log_half - np.log(x))
        rise: Floats = (end - start) / (1 + np.exp(np.minimum(steepness, 700.0)))
    return np.where(x == 0, start, start + rise)


def _error(jacobian: Floats, variance: float, place: int) -> float:
    """The standard error of one parameter; inf where the doses do not bound it."""
    information = jacobian.T @ jacobian
    if np.linalg.matrix_rank(information) < len(information):
        return math.inf
    return math.sqrt(variance * float(np.linalg.inv(information)[place, place]))


def _usable(dose: float, response: float, log: bool) -> bool:
    return math.isfinite(dose) and dose >= 0 and math.isfinite(response) and (response > 0 or not log)


def _nothing(n: int, dropped: int, log: bool, note: str) -> DoseResponse:
    return DoseResponse(n, dropped, log, *(math.nan,) * 6, note)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _power_of_ten(exponent: float) -> float:
    return 10.0**exponent if exponent < 308 else math.inf
