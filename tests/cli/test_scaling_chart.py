"""The scaling chart: its numbers against numpy, and every series, bar and name in the picture."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from app.charts.chart import COLOURS, UNDAMAGED, Ink, Paper
from app.charts.scaling import ScalingChart, ScalingPanel, Series, scaling_panel
from engine.analysis import frame_of, scaling
from engine.analysis.power_law import Scaling, fit

SIZES = {"petri-16k": 35_700, "petri-60k": 100_200, "petri-250k": 315_584, "org/petri-1m": 1_122_688}
Measured = dict[str | None, list[list[float]]]

# Perplexities of each model's seeds; the keys are groups, None the undamaged models.
MEASURED: Measured = {
    None: [[6.0], [5.0], [4.2], [3.7]],
    "attn_only": [[30.0, 34.0], [21.0, 20.0], [17.0, 12.0], [9.0, 11.0]],
    "mlp_only": [[900.0, 1500.0], [310.0, 250.0], [120.0, math.inf], [60.0, 40.0]],
}


def frame(measured: Measured = MEASURED, metric: str = "perplexity", **given: float) -> pd.DataFrame:
    rows = [
        {
            "run": "r",
            "trial": f"{group}-{model}-{seed}",
            "model": model,
            "params": SIZES[model],
            "method": "none" if group is None else "mult_gauss",
            "group": group,
            "level": None if group is None else 0.5,
            "seed": seed,
            "status": "ok",
            metric: value,
            **given,
        }
        for group, models in measured.items()
        for model, values in zip(SIZES, models, strict=True)
        for seed, value in enumerate(values)
    ]
    return frame_of(rows)


def drawn(width: int = 80, height: int = 24, panel: ScalingPanel | None = None) -> tuple[list[str], list[str]]:
    """The lines of the picture, and of the caption below it."""
    panel = panel or scaling_panel(frame(), "perplexity", "mult_gauss", 0.5)
    lines = ScalingChart("perplexity", panel).text(Paper(width, height, colour=False)).splitlines()
    ends = next(index for index, line in enumerate(lines) if "parameters (total)" in line) + 1
    return lines[:ends], lines[ends:]


def panel_of(*scalings: Scaling) -> ScalingPanel:
    return ScalingPanel("by hand", tuple(Series(f"group{place}", place, one) for place, one in enumerate(scalings)))


def test_a_series_a_group_and_the_undamaged_with_the_fits_of_numpy() -> None:
    panel = scaling_panel(frame(), "perplexity", "mult_gauss", 0.5)
    assert panel.title == "mult_gauss σ 0.5"
    assert [(one.label, one.place, one.marker) for one in panel.series] == [
        ("attn_only", 0, "●"),
        ("mlp_only", 1, "◆"),
        ("undamaged", None, "+"),
    ]
    for one, group in zip(panel.series, ("attn_only", "mlp_only", None), strict=True):
        seeds = [[value for value in values if math.isfinite(value)] for values in MEASURED[group]]
        x = np.log10(np.array(list(SIZES.values()), np.float64))
        y = np.log10(np.array([np.mean(values) for values in seeds]))
        (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
        assert (one.scaling.exponent, one.scaling.intercept) == pytest.approx((slope, intercept), rel=1e-9)
        assert one.scaling.stderr == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-9)
        assert one.scaling.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9)
        assert one.scaling.low == tuple(map(min, seeds))
        assert one.scaling.high == tuple(map(max, seeds))
        assert one.scaling.n == tuple(map(len, seeds))
    assert [one.scaling.dropped for one in panel.series] == [0, 1, 0]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_the_picture_names_every_series_and_model_within_its_size(width: int, height: int) -> None:
    picture, caption = drawn(width, height)
    assert len(picture) + len(caption) <= height
    assert max(map(len, picture + caption)) <= width
    assert "perplexity · mult_gauss σ 0.5" in picture[0]
    assert re.findall(r"petri-\w+", picture[1]) == ["petri-16k", "petri-60k", "petri-250k", "petri-1m"]
    assert [name[1] for line in picture if (name := re.search(r"├(. \w+)", line))] == [
        "◆ mlp_only",
        "● attn_only",
        "+ undamaged",
    ]
    body = "\n".join(re.split("[├]", line)[0] for line in picture[3:])
    assert [body.count(marker) for marker in "●◆+"] == [4, 4, 4]
    assert any("⣀" <= cell <= "⣿" for cell in body)  # the fitted lines


def test_the_caption_is_a_table_with_a_row_a_series() -> None:
    caption = drawn()[1]
    head, *rows = caption[:4]
    assert head.split() == ["exponent", "R²", "p", "models", "dropped"]
    panel = scaling_panel(frame(), "perplexity", "mult_gauss", 0.5)
    for row, one in zip(rows, panel.series, strict=True):
        fitted = one.scaling
        assert row.split()[:6] == [
            one.marker,
            one.label,
            f"{fitted.exponent:.4f}",
            "±",
            f"{fitted.stderr:.4f}",
            f"{fitted.r2:.4f}",
        ]
        assert row.split()[-2:] == ["4", str(fitted.dropped)]
    assert len({len(row) for row in (head, *rows)}) == 1
    assert caption[4] == "points: mean of 1 to 2 seeds; bars: smallest to largest; lines: power laws"
    assert caption[5] == "dots: where the law lies with 95%, as far as that is inside the chart"
    assert caption[6].startswith("dropped: ")


def test_the_band_of_the_law_is_where_students_t_has_it() -> None:
    wide = scaling(frame({"attn_only": [[30.0], [33.0], [14.0], [11.0]]}), "perplexity", "mult_gauss", "attn_only", 0.5)
    picture, caption = drawn(120, 40, panel_of(wide))
    assert "dots: where the law lies with 95%, as far as that is inside the chart" in caption
    x, y = np.log10(list(SIZES.values())), np.log10([30.0, 33.0, 14.0, 11.0])
    line = scipy.stats.linregress(x, y)
    deviation = math.sqrt(((y - line.intercept - line.slope * x) ** 2).sum() / 2)
    reach = scipy.stats.t.ppf(0.975, 2) * deviation * np.sqrt(1 / 4 + (x - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    left = [row for row, text in enumerate(picture[3:]) if "·" in text]
    assert left  # at least the lower edge in the middle lies inside
    for size, middle, off in zip(SIZES.values(), line.intercept + line.slope * x, reach, strict=True):
        assert np.log10(wide.law.band(size, of_mean=True)) == pytest.approx((middle - off, middle + off), rel=1e-9)
    exact = panel_of(fit([10, 100, 1000], [4.0, 2.0, 1.0]))
    picture, caption = drawn(panel=exact)
    assert "·" not in "\n".join(picture[1:])
    assert not any(line.startswith("dots") for line in caption)


def test_bars_reach_from_the_smallest_to_the_largest_seed() -> None:
    spread: Measured = {"attn_only": [[1.0, 19.0], [10.0, 10.0], [10.0], [10.0]]}
    picture = drawn(panel=scaling_panel(frame(spread), "perplexity", "mult_gauss", 0.5))[0]
    column = picture[1].index("petri-16k") + 4  # a name stands over the middle of its model's column
    column = next(at for at in range(column - 5, column + 6) if any(line[at : at + 1] == "●" for line in picture))
    canvas = [line[column] for line in picture[3:-3]]
    bar = [row for row, cell in enumerate(canvas) if cell in "│●"]
    assert bar == list(range(min(bar), max(bar) + 1))  # unbroken
    assert len(bar) >= len(canvas) - 2  # it is all there is to the height of the chart, but for the margins
    # log10 10 lies log 10 / log 19 of the way up from log10 1.
    assert (max(bar) - canvas.index("●")) / (max(bar) - min(bar)) == pytest.approx(math.log(10, 19), abs=0.08)


def test_a_bar_that_reaches_zero_ends_at_the_lowest_value_drawn() -> None:
    reaching: Measured = {"attn_only": [[-5.0, 25.0], [10.0, 8.0], [6.0], [4.0]]}
    found = scaling(frame(reaching), "perplexity", "mult_gauss", "attn_only", 0.5)
    assert found.low == (-5.0, 8.0, 6.0, 4.0)
    assert "├● group0" in "\n".join(drawn(panel=panel_of(found))[0])


def test_series_that_end_at_one_height_are_named_on_rows_of_their_own() -> None:
    few = "\n".join(drawn(panel=panel_of(*[fit([10, 100, 1000], [4.0, 2.0, 1.0])] * 6))[0])
    assert all(f" group{place}" in few for place in range(6))
    # More series than rows: the caption still has them all.
    many = panel_of(*[fit([10, 100, 1000], [4.0, 2.0, 1.0])] * 20)
    picture, caption = drawn(panel=many)
    assert "group" not in "\n".join(picture)
    assert all(f" group{place} " in "\n".join(caption) for place in range(20))


def test_without_a_fit_the_points_and_the_reason_are_shown() -> None:
    panel = panel_of(fit([10, 100], [1.0, 2.0]), fit([10, 100, 1000], [1.0, 2.0, 4.0], dropped=3))
    picture, caption = drawn(panel=panel)
    assert "├● group0" in "\n".join(picture)
    assert re.fullmatch(r"● group0 +no fit +– +– +2 +0", caption[1])
    assert re.fullmatch(r"◆ group1 +0\.3010 ± 0\.0000 +1\.0000 +\S+ +3 +3", caption[2])
    assert "no fit: a fit needs 3 models of different size with a value above zero" in caption


def test_nothing_above_zero_is_said_instead_of_drawn() -> None:
    text = ScalingChart("perplexity", panel_of(fit([], [], dropped=7))).text(Paper())
    assert text.splitlines()[0] == "perplexity · by hand: no value above zero to draw"
    assert re.search(r"● group0 +no fit +– +– +0 +7\n", text)


def test_a_change_has_no_undamaged_series_and_method_none_nothing_else() -> None:
    changes = frame(metric="perplexity_change_pct", perplexity=1.0)
    assert [one.label for one in scaling_panel(changes, "perplexity_change_pct", "mult_gauss", 0.5).series] == [
        "attn_only",
        "mlp_only",
    ]
    alone = scaling_panel(frame(), "perplexity", "none", None)
    assert (alone.title, [one.label for one in alone.series]) == ("undamaged", ["undamaged"])


def test_groups_have_the_colours_of_the_dose_chart_and_the_undamaged_a_grey_of_their_own() -> None:
    text = ScalingChart("perplexity", scaling_panel(frame(), "perplexity", "mult_gauss", 0.5)).text(Paper())
    for code, marker in ((COLOURS[0], "●"), (COLOURS[1], "◆"), (UNDAMAGED, "\\+")):
        assert re.search(rf"\x1b\[38;5;{code}m{marker}", text), marker
    share = (8 + 10 * (UNDAMAGED - 232)) / 255
    luminance = ((share + 0.055) / 1.055) ** 2.4
    assert min(1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05) >= 3


def test_it_draws_on_the_plot_of_a_console_widget_too() -> None:
    from textual_plotext.plot import Plot

    plot = Plot()
    plot.plotsize(80, 20)
    panel = scaling_panel(frame(), "perplexity", "mult_gauss", 0.5)
    chart = ScalingChart("perplexity", panel)
    chart.draw(plot, Ink(), 20)
    text = re.sub(r"\x1b\[[0-9;]*m", "", plot.build())
    assert all(name in text for name in ("● attn_only", "◆ mlp_only", "+ undamaged", "petri-1m"))
    assert all(one.label in "\n".join(chart.caption()) for one in panel.series)
