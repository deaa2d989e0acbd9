"""The charts of the surveys of gains as text."""

import math

import pytest

from app.charts.chart import Paper
from app.charts.density import DensityChart
from app.charts.gains import GainsChart
from app.charts.law import LawChart
from engine.analysis.gains import LayerGains, density_of
from engine.analysis.power_law import fit


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_gain_over_depth_fits_its_size_and_names_models_and_extremes(width: int, height: int) -> None:
    gains = (LayerGains("small", (4.0, 0.5, 2.0)), LayerGains("large", (0.5, math.nan, math.inf)))
    text = GainsChart("mlp_gain_last", gains).text(Paper(width, height, colour=False))
    lines = text.splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert "MLP gain by layer · undamaged" in lines[0]
    assert "●● small" in text
    assert "◆◆ large" in text
    assert "small: last 2, largest 4 in layer 0, 1 of 3 layers below 1" in text
    assert "large: last inf, largest inf in layer 2, 1 of 3 layers below 1" in text
    assert "large: 2 layers without a finite gain above zero are not drawn" in text


def test_head_density_says_correlation_rates_and_verdict() -> None:
    density = density_of([("a", 0.1, 1.2), ("b", 0.2, 1.2), ("c", 0.3, 0.9)], dropped=1)
    text = DensityChart("residual_gain", density).text(Paper(colour=False))
    assert len(text.splitlines()) <= 24
    assert "Pearson's r of rho and gain: -0.8660, p 0.33" in text
    assert "dampening among rho >= 0.2: 50%; expansion among the others: 100%" in text
    assert "validated" in text
    assert "left out for want of a finite gain: 1" in text
    assert "no finite value" in DensityChart("residual_gain", density_of([])).text(Paper(colour=False))


def test_the_law_is_set_against_the_supposed_one_with_its_predictions() -> None:
    law = fit([10**6, 10**8, 10**10], [2.0, 8.0, 32.0])  # exponent log10(2) = 0.301
    first, second = LawChart("mlp_gain_last", law).caption()
    assert "parameters^0.3010" in first
    assert "-0.0490 away" in first
    assert f"1T {2.0 * (1e12 / 1e6) ** math.log10(2):.4g}" in second.replace(",", "")
    assert LawChart("mlp_gain_last", fit([10, 100], [1.0, 2.0])).caption() == []
