"""Charts of numbers at the ends of what floats hold."""

import itertools
import math
from pathlib import Path

import pytest

from app.charts.drawing import Axis
from engine.analysis.curves import mean
from engine.analysis.power_law import power_of_ten
from tests import extremes
from tests.cli.conftest import Lesion
from tests.extremes import LARGEST, METRICS, SMALLEST


def test_every_chart_is_drawn(tmp_path: Path, lesion: Lesion) -> None:
    run = extremes.run(tmp_path)
    done = lesion("chart", run, *(word for metric in METRICS for word in ("--metric", metric)))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1e+307┤" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


class Paper:
    """Takes down what an axis asks of plotext."""

    def __init__(self) -> None:
        self.limits: tuple[float, float] = (0.0, 0.0)
        self.ticked: list[float] = []

    def ylabel(self, _: str) -> None:
        pass

    def ylim(self, low: float, high: float) -> None:
        self.limits = low, high

    def yticks(self, places: list[float], _: list[str]) -> None:
        self.ticked = places


NUMBERS = (SMALLEST, 1e-310, 1e-300, 1e-5, 1.0, 1.01, 3.0, 1e9, 1e200, 1e297, 9e307, LARGEST)


@pytest.mark.parametrize("log", [True, False])
def test_limits_and_ticks_of_any_two_numbers(log: bool) -> None:
    for low, high in itertools.combinations_with_replacement(NUMBERS, 2):
        values = [low, high] if log else [-high, low, high]
        paper = Paper()
        axis = Axis.of(values, log=log)
        axis.apply(paper, "y", "", values)
        low_limit, high_limit = paper.limits
        assert math.isfinite(low_limit)
        assert math.isfinite(high_limit - low_limit)
        assert all(low_limit <= place <= high_limit for place in axis.places(values))
        assert all(low_limit <= tick <= high_limit for tick in paper.ticked)
        assert len(paper.ticked) <= 12


def test_means_and_powers_beyond_floats() -> None:
    assert mean([LARGEST, LARGEST]) == LARGEST
    assert mean([1.0, 2.0]) == 1.5
    assert math.isnan(mean([]))
    assert power_of_ten(400.0) == math.inf
    assert power_of_ten(2.0) == 100.0
