"""How long a run still takes, from the times at which its trials ended: between what and what."""

import math
from collections.abc import Sequence
from itertools import pairwise

_FEWEST = 3
"""Trials that must have ended before anything is said."""
_SIDES = 1.96
"""Standard deviations that 95 of 100 normal values lie within."""


def left(ends: Sequence[float], remaining: int, now: float) -> tuple[float, float] | None:
    """(fewest, most) seconds until so many more trials have ended; None before enough of them have.

    The pace is that from the first end to the last, so that starting up and loading models do not count. If the times
    between ends have mean m and standard deviation s over n of them, `remaining` R more take R·m, with the variance
    R·s² of their own and R²·s²/n for not knowing m better. The range holds 95 of 100 such runs where times between ends
    are independent.

    Args:
        ends: unix times, ascending, of the trials that ended since the run was last started.
        remaining: trials yet to end, at least 0.
        now: unix time; what has passed since the last end is taken off.
    """
    gaps = [after - before for before, after in pairwise(ends)]
    if len(ends) < _FEWEST:
        return None
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1)
    spread = _SIDES * math.sqrt(variance * (remaining + remaining**2 / len(gaps)))
    middle = remaining * mean - min(max(now - ends[-1], 0.0), mean)
    return max(middle - spread, 0.0), max(middle + spread, 0.0)
