"""Charts as text: what they show, at which size, with and without colour."""

import math
import re
from typing import Any

import pytest

from app import words
from app.charts.chart import COLOURS, Ink, Paper
from app.charts.dose import DoseChart, panels
from engine.analysis import Curve

NAN = math.nan


def curve(model: str = "petri-16k", method: str = "mult_gauss", group: str = "attn_only", **given: Any) -> Curve:
    values = {
        "level": (0.0, 0.5, 1.0),
        "mean": (10.0, 100.0, 1000.0),
        "low": (9.0, 50.0, 1000.0),
        "high": (11.0, 200.0, 1000.0),
        "n": (2, 2, 1),
        "nonfinite": (0, 0, 1),
        "missing": (0, 0, 0),
        "baseline": 10.0,
    }
    return Curve(model=model, method=method, group=group, **{**values, **given})


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_line_a_model_for_each_group_and_with_one_model_a_line_a_group() -> None:
    many = [curve(model, group=group) for model in ("a", "b") for group in ("attn_only", "mlp_only")]
    assert [(panel.title, panel.labels) for panel in panels(many)] == [
        ("mult_gauss · attn_only", ("a", "b")),
        ("mult_gauss · mlp_only", ("a", "b")),
    ]
    assert [(panel.title, panel.labels) for panel in panels(many[:2])] == [
        ("mult_gauss · a", ("attn_only", "mlp_only"))
    ]


def test_more_lines_than_can_be_told_apart_are_a_chart_for_each_number_of_weights_selected() -> None:
    selections = [f"{by} {k}{score}" for k in (10, 500) for by, score in (("top_k", " magnitude"), ("random", ""))]
    groups = [f"{part}[0-1; {selection}]" for part in ("mlp_only", "attn_only") for selection in selections]
    few = [curve(method="mask", group=group) for group in groups]
    assert [panel.labels for panel in panels(few)] == [tuple(groups)]
    found = panels([*few, curve(method="mask", group="mlp_only[random 0.25]")])
    labels = tuple(f"{part}[0-1; {by}]" for part in ("mlp_only", "attn_only") for by in ("top_k magnitude", "random"))
    assert [(panel.title, panel.labels) for panel in found] == [
        ("mask · petri-16k · k = 10", labels),
        ("mask · petri-16k · k = 500", labels),
        ("mask · petri-16k", ("mlp_only[random 0.25]",)),
    ]
    assert [c.group for c in found[1].curves] == groups[2:4] + groups[6:8]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_dose_chart_fits_its_size_and_says_everything(width: int, height: int) -> None:
    (panel,) = panels([curve("petri-16k"), curve("petri-60k", nonfinite=(0, 0, 0), n=(2, 2, 2))])
    text = DoseChart("perplexity", panel).text(Paper(width, height, colour=False))
    lines = text.splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert "perplexity · mult_gauss · attn_only" in lines[0]
    assert "●● petri-16k" in text
    assert "◆◆ petri-60k" in text
    assert "σ: the standard deviation of the factor" in text
    assert "× not finite: petri-16k at 1 (1 of 2)" in text
    assert sum(line.count("×") for line in lines) == 2  # in the chart and in the caption
    assert "points: mean of 2 seeds" in text


def test_the_log_axis_puts_equal_ratios_at_equal_distances() -> None:
    (panel,) = panels([curve(low=(10.0, 100.0, 1000.0), high=(10.0, 100.0, 1000.0), nonfinite=(0, 0, 0))])
    text = DoseChart("perplexity", panel).text(Paper(colour=False))
    heights = [index for index, line in enumerate(text.splitlines()[2:18]) if re.search("[^●]●[^●]", line)]
    assert len(heights) == 3
    assert abs((heights[2] - heights[1]) - (heights[1] - heights[0])) <= 1
    ticks = [match[1] for line in text.splitlines() if (match := re.match(r" *(\S+)┤", line))]
    assert ticks == ["1k", "100", "10"]


def test_fewer_values_are_worse_so_the_axis_of_quantisation_runs_down() -> None:
    (panel,) = panels([curve(method="uni_quant", level=(2.0, 16.0, 256.0))])
    axis = next(line for line in DoseChart("perplexity", panel).text(Paper(colour=False)).splitlines() if "256" in line)
    assert re.findall(r"\d+", axis) == ["256", "16", "2"]


def test_no_colour_is_the_same_picture_without_escapes() -> None:
    (panel,) = panels([curve()])
    coloured = DoseChart("perplexity", panel).text(Paper(colour=True))
    assert "\x1b[38;5;" in coloured  # 256 colours
    assert "\x1b[48" not in coloured  # the terminal's own background
    bare = DoseChart("perplexity", panel).text(Paper(colour=False))
    assert "\x1b" not in bare
    assert [line.rstrip() for line in plain(coloured).splitlines()] == [line.rstrip() for line in bare.splitlines()]


def test_colours_can_be_read_on_white_and_on_black() -> None:
    steps = (0, 95, 135, 175, 215, 255)

    def luminance(code: int) -> float:
        cube = code - 16
        shares = [steps[cube // 36] / 255, steps[cube // 6 % 6] / 255, steps[cube % 6] / 255]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for code in COLOURS:
        assert 1.05 / (luminance(code) + 0.05) >= 3, code
        assert (luminance(code) + 0.05) / 0.05 >= 3, code


def test_nothing_finite_is_said_instead_of_drawn() -> None:
    nothing = curve(mean=(NAN,) * 3, low=(NAN,) * 3, high=(NAN,) * 3, n=(0, 0, 0), nonfinite=(1, 1, 1))
    (panel,) = panels([nothing])
    text = DoseChart("perplexity", panel).text(Paper())
    assert "no finite value to draw" in text
    assert "attn_only at 0.5 (1 of 1)" in text


def test_a_chart_draws_on_the_plot_of_a_console_widget_too() -> None:
    from textual_plotext.plot import Plot

    plot = Plot()
    plot.plotsize(80, 20)
    (panel,) = panels([curve()])
    DoseChart("perplexity", panel).draw(plot, Ink(), 20)
    assert "petri-16k" in plain(plot.build())


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (12.3456, "12.35"), (123456.0, "123,456"), (1.5e9, "1.50e+09"), (1e-7, "1.00e-07"), (NAN, "nan")],
)
def test_numbers(value: float, shown: str) -> None:
    assert words.rounded(value) == shown
