"""The map of a layer scan, from records written by hand."""

import math
from typing import Any

import pandas as pd
import pytest

from engine.analysis import Cell, change_from, layer_maps, scanned, table
from engine.errors import LesionError
from tests.analysis.conftest import MakeRun, record


@pytest.mark.parametrize(
    ("place", "label", "layer"),
    [
        ({"layers": [3]}, "mlp_only[3]", 3),
        ({"layers": "3-3"}, "mlp_only[3-3]", 3),
        ({"layers": [12], "heads": [0, 2]}, "mlp_only[12; heads 0,2]", 12),
        (
            {"layers": [0], "select": {"by": "top_k", "k": 100, "score": "magnitude"}, "options": {"per": "channel"}},
            "mlp_only[0; top_k 100 magnitude; per=channel]",
            0,
        ),
        ({}, "mlp_only", None),
        ({"layers": "0-3"}, "mlp_only[0-3]", None),
        ({"layers": [1, 3]}, "mlp_only[1,3]", None),
        ({"layers": "last 1"}, "mlp_only[last 1]", None),
        ({"heads": [3]}, "mlp_only[heads 3]", None),
        ({"experts": "0-1"}, "mlp_only[experts 0-1]", None),
    ],
)
def test_a_label_is_made_of_columns(make_run: MakeRun, place: dict[str, Any], label: str, layer: int | None) -> None:
    frame = table(make_run(record(0, **{"group": "mlp_only", **place})))
    [row] = frame.to_dict("records")
    assert row["group"] == label
    assert row["part"] == "mlp_only"
    assert (None if pd.isna(row["layer"]) else row["layer"]) == layer
    text = place.get("layers", "")
    assert (row["layers"] or "") == (text if isinstance(text, str) else ",".join(map(str, text)))
    assert (row["score"], row["options"]) == (("magnitude", "per=channel") if "select" in place else (None, None))


@pytest.mark.parametrize("layers", ["5-", "-5", "1-2-3", "²", "9" * 400, "3-1", "last 0", "0-99999999999"])
def test_layers_of_a_foreign_record_that_name_none_are_shown_as_they_are(make_run: MakeRun, layers: str) -> None:
    [row] = table(make_run(record(0, layers=layers))).to_dict("records")
    assert pd.isna(row["layer"])
    assert row["layers"] == layers


def test_a_group_that_looks_like_a_label_is_no_scan(make_run: MakeRun) -> None:
    """Nothing is read back from a label, not even where a foreign record holds one for a group."""
    frame = table(make_run(record(0, group="mlp_only[3]"), record(1, group="mlp_only[4]")))
    assert not scanned(frame).any()


def test_cells_hold_means_over_seeds_and_count_what_is_not_finite_or_missing(make_run: MakeRun) -> None:
    def damaged(layer: int, value: float | str | None, seed: int = 42, group: str = "mlp_only") -> dict[str, Any]:
        given = {"metrics": {} if value is None else {"perplexity": value}, "status": "oom" if value is None else "ok"}
        return {"layers": [layer], "seed": seed, "group": group, **given}

    trials: list[dict[str, Any]] = [
        {"baseline": True, "metrics": {"perplexity": 10.0}},
        damaged(2, 20.0),
        damaged(0, 40.0),
        damaged(2, 30.0, 43),
        damaged(0, "nan", 43),
        damaged(0, 5.0, group="attn_q"),
        damaged(5, None, group="attn_q"),
        damaged(1, 99.0, group="norms"),  # the only layer of its group: a trial like any other
        {"layers": "0-2", "metrics": {"perplexity": 7.0}},
    ]
    frame = table(make_run(*(record(index, **given) for index, given in enumerate(trials))))
    assert list(scanned(frame)) == [False] + [True] * 6 + [False] * 2
    (found,) = layer_maps(frame, "perplexity")
    assert (found.model, found.layers, found.baseline) == ("petri-16k", (0, 2, 5), 10.0)
    assert [(row.method, row.group, row.level) for row in found.rows] == [
        ("mult_gauss", "mlp_only", 0.5),
        ("mult_gauss", "attn_q", 0.5),
    ]
    assert found.rows[0].cells == (Cell(40.0, 1, 1, 0), Cell(25.0, 2, 0, 0), None)
    attention = found.rows[1].cells
    assert attention[0] == Cell(5.0, 1, 0, 0)
    assert attention[1] is None
    assert attention[2] is not None
    assert math.isnan(attention[2].mean)
    assert (attention[2].n, attention[2].nonfinite, attention[2].missing) == (0, 0, 1)
    with pytest.raises(LesionError, match="no metric 'nll'"):
        layer_maps(frame, "nll")


def test_no_map_without_a_scan(make_run: MakeRun) -> None:
    frame = table(make_run(record(0, baseline=True), record(1), record(2, layers=[3])))
    assert layer_maps(frame, "perplexity") == []
    assert not scanned(frame).any()


def test_change_is_a_factor_where_the_metric_is_logarithmic_and_a_difference_elsewhere() -> None:
    assert change_from(1000.0, 10.0, "perplexity", log=True) == pytest.approx(2.0)
    assert change_from(0.25, 0.75, "narrow.token_accuracy", log=False) == -0.5
    assert change_from(0.3, 0.0, "narrow.kl", log=False) == 0.3
    assert change_from(-5.0, math.nan, "perplexity_change_pct", log=False) == -5.0
    assert math.isnan(change_from(10.0, math.nan, "perplexity", log=True))
    assert math.isnan(change_from(-1.0, 10.0, "perplexity", log=True))
