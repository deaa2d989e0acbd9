"""The map of a layer scan as text: numbers where they fit, else digits; and from a real run through the command."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.charts.chart import Paper
from app.charts.layer_map import MapChart, map_text
from engine.analysis import Cell, LayerMap, MapRow
from tests.cli.conftest import Lesion


def cell(mean: float, **given: int) -> Cell:
    return Cell(mean, **{"n": 1, "nonfinite": 0, "missing": 0, **given})


def scan(layers: int, *values: Sequence[Cell | None]) -> LayerMap:
    names = ("attn_all", "mlp_only", "norms")
    rows = (MapRow("skip", name, 1.0, tuple(cells)) for name, cells in zip(names, values, strict=False))
    return LayerMap("petri-1m", tuple(range(layers)), tuple(rows), 10.0)


BROKEN = cell(math.nan, n=0, nonfinite=1)
FAILED = cell(math.nan, n=0, missing=1)
SMALL = scan(4, [cell(10.0), cell(40.0), cell(640.0), cell(5.0)], [BROKEN, FAILED, None, cell(160.0)])


def test_numbers_are_factors_of_the_baseline_and_broken_cells_are_marked() -> None:
    lines = MapChart("perplexity", SMALL).text(Paper(colour=False)).splitlines()
    assert lines[0].strip() == "perplexity · layer by layer · petri-1m"
    assert lines[1].startswith("0 1.00  1 1.02  ")
    assert lines[1].endswith("8 8.00  9 64.0")
    first = next(index for index, line in enumerate(lines) if line.split() == ["0", "1", "2", "3"])
    assert lines[first + 1].split() == ["attn_all", "skip", "p", "1", "1.00", "4.00", "64.0", "0.50"]
    assert lines[first + 2].split() == ["mlp_only", "skip", "p", "1", "×", "–", "16.0"]
    columns = [lines[first + row].rindex(text) + len(text) for row, text in ((0, "3"), (1, "0.50"), (2, "16.0"))]
    assert len(set(columns)) == 1
    assert lines[-4:] == [
        "baseline: petri-1m 10",
        "largest change: attn_all skip p 1 in layer 2: 640 (×64.0)",
        "× not finite: mlp_only skip p 1 in layer 0 (1 of 1)",
        "– no result: mlp_only skip p 1 in layer 1 (1 of 1)",
    ]


def test_digits_halve_from_the_largest_change_and_carry_a_sign() -> None:
    """log10 of 64 is 9; of 4, a third of it, between 7 and 8; of one half, a sixth of it, between 6 and 7."""
    narrow = map_text(SMALL, "perplexity", width=36).plain.splitlines()
    assert [line[18:] for line in narrow[-2:]] == ["  0   7   9  -6 ", "  ×   –       8 "]


def test_layers_that_have_no_room_break_into_bands() -> None:
    deep = scan(30, [cell(10.0 + layer) for layer in range(30)])
    lines = map_text(deep, "perplexity", width=50).plain.splitlines()
    rows = [line for line in lines if line.startswith("attn_all")]
    assert len(rows) == 2
    assert "".join(row[18:] for row in rows).split() == [str(step) for step in digits(30)]
    assert all(len(line) <= 50 for line in lines)
    assert lines[-2].split()[0] == "15"
    (wide,) = [line for line in map_text(deep, "perplexity", width=220).plain.splitlines() if "attn_all" in line]
    assert wide.split()[4:7] == ["1.00", "1.10", "1.20"]


def digits(layers: int) -> list[int]:
    changes = [math.log10((10 + layer) / 10) for layer in range(layers)]
    return [max(9 + round(math.log2(change / max(changes))), 0) if change else 0 for change in changes]


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("layers", [2, 12, 30, 96])
def test_every_line_fits_and_colour_changes_no_character(width: int, layers: int) -> None:
    found = scan(layers, *([cell(10.0 * (1 + layer % 7) ** row) for layer in range(layers)] for row in range(3)))
    for metric in ("perplexity", "token_accuracy", "kl"):
        plain = MapChart(metric, found).text(Paper(width, colour=False))
        assert max(map(len, plain.splitlines())) <= width
        coloured = MapChart(metric, found).text(Paper(width, colour=True))
        assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()] == plain.splitlines()
        assert set(re.findall(r"\x1b\[([0-9]+)[;m]", coloured)) <= {"0", "38", "48"}


def test_differences_have_signs_and_a_change_is_shown_as_it_is() -> None:
    found = scan(2, [cell(9.5), cell(11.0)])
    assert map_text(found, "token_accuracy", width=80).plain.splitlines()[-1].split()[4:] == ["-0.50", "+1.00"]
    assert map_text(found, "kl", width=80).plain.splitlines()[-1].split()[4:] == ["9.5", "11.0"]
    assert MapChart("kl", found).caption() == ["largest change: attn_all skip p 1 in layer 1: 11"]


def test_nothing_to_compare_and_nothing_changed() -> None:
    alone = LayerMap("petri-1m", (0, 1), scan(2, [cell(1.0), cell(2.0)]).rows, math.nan)
    assert "no finite perplexity of the undamaged model" in MapChart("perplexity", alone).text(Paper(colour=False))
    assert (
        MapChart("perplexity", scan(2, [cell(10.0)] * 2)).text(Paper(colour=False)).splitlines()[1]
        == "no change anywhere"
    )
    assert "× not finite" in MapChart("perplexity", scan(2, [BROKEN] * 2)).text(Paper(colour=False))


def test_more_lines_than_there_is_room_for_are_counted() -> None:
    lines = map_text(scan(4, *[[cell(10.0)] * 4] * 3), "perplexity", width=80, height=3).plain.splitlines()
    assert lines[-1] == "… 3 more lines in a larger window"
    assert len(lines) == 3


PROFILE = """
name = "scan"
[model]
names = ["petri-16k"]
[[damage]]
method = "skip"
groups = ["attn_all", "mlp_only"]
levels = [1.0]
each_layer = "0-2"
[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.5]
[[measure]]
name = "perplexity"
documents = 4
[[measure]]
name = "tasks"
limit = 8
[run]
threads = 1
"""
TIMES = {"seconds", "peak_bytes", "started"}


def test_a_real_scan_is_the_same_bit_for_bit_without_reuse_and_is_drawn(lesion: Lesion, tmp_path: Path) -> None:
    (tmp_path / "scan.toml").write_text(PROFILE)
    lines = []
    for name, override in (("on", "run.reuse=true"), ("off", "run.reuse=false")):
        done = lesion("run", tmp_path / "scan.toml", "--set", override, "--json", "--results", tmp_path / name)
        assert done.returncode == 0, done.stderr
        journal = Path(json.loads(done.stdout.splitlines()[-1])["run"]) / "trials.jsonl"
        records = [json.loads(line) for line in journal.read_text().splitlines()]
        lines.append([{key: value for key, value in one.items() if key not in TIMES} for one in records])
    assert lines[0] == lines[1]
    assert len(lines[0]) == 8
    drawn = lesion("chart", "scan", "--results", tmp_path / "on").stdout
    before, found, after = drawn.partition("perplexity · layer by layer · petri-16k")
    assert found
    assert "attn_all[" not in before + after  # the map stands for the single layers
    assert "perplexity · mult_gauss · petri-16k" in after
    row = next(line for line in after.splitlines() if line.startswith("mlp_only skip p 1"))
    baseline, *layers = (one["metrics"]["perplexity"] for one in lines[0])
    shown = [float(text.replace("k", "e3")) for text in row.split()[4:]]
    assert shown == pytest.approx([layers[place] / baseline for place in (1, 3, 5)], rel=0.01)
