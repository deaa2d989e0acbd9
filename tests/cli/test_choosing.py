"""Which chart a choice means, and that every kind of the list is drawn by terminal and console alike."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from textual_plotext.plot import Plot

from app.charts.chart import Choice, Ink, Paper
from app.charts.choosing import chosen, drawing, next_lines, next_metric, next_view
from app.charts.kinds import KINDS
from app.charts.table import Table
from app.commands.chart import print_charts
from engine import analysis
from tests import extremes
from tests.analysis.conftest import record


def of_run(run: Path) -> Table:
    return Table.of(analysis.table(run), run)


def examined(results: Path, *more: dict[str, object]) -> Path:
    """Facts and sums of two models, told apart by their labels, then further records."""
    run = results / "examined"
    (run / "artifacts").mkdir(parents=True)
    records = [
        record(
            place,
            baseline=level is None,
            model=model,
            parameters=size,
            level=level,
            group="attn_only",
            metrics={
                "perplexity": 3.0 + (level or 0),
                "facts.accuracy": 0.9 - (level or 0) / 2,
                "sums.accuracy": 0.8,
                "mlp_gain_last": size**0.5,
                "residual_gain": 1.1,
                "rho": 0.1,
            },
        )
        for place, (model, size, level) in enumerate(
            (model, size, level)
            for model, size in (("petri-16k", 10**4), ("petri-60k", 10**5), ("petri-250k", 10**6))
            for level in (None, 0.5, 1.0)
        )
    ]
    records[0]["artifacts"] = ["artifacts/gains.json"]
    gains = {"measurement": "gains", "label": None, "mlp": [1.5, 0.5], "attention": [1.0, 1.0]}
    (run / "artifacts" / "gains.json").write_text(json.dumps(gains))
    (run / "trials.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (*records, *more)))
    return run


def test_what_labels_tell_apart_comes_first_and_every_step_leads_round(tmp_path: Path) -> None:
    table = of_run(examined(tmp_path))
    choice = Choice()
    what = chosen(table, choice)
    assert (what.kind.view, what.metric, what.lines) == ("dose–response", "accuracy", "a line an ability")
    seen = []
    for _ in range(3):
        choice = next_lines(table, choice)
        seen.append(chosen(table, choice).lines)
    assert seen == ["a line a group", "a line a model", "a line an ability"]
    choice = next_metric(table, choice)
    assert (chosen(table, choice).metric, chosen(table, choice).lines) == ("perplexity", "a line a group")
    choice = replace(next_metric(table, choice), part=1, steps=1)
    assert chosen(table, choice).metric == "facts.accuracy"
    choice = next_view(table, choice)
    assert (chosen(table, choice).kind.view, choice.part, choice.steps) == ("scaling", 0, 0)
    assert chosen(table, next_view(table, choice)).kind.view == "dose–response"


def test_a_choice_that_a_table_cannot_serve_becomes_what_a_reader_wants_first(tmp_path: Path) -> None:
    table = of_run(extremes.run(tmp_path))
    choice = Choice(view="no such view", metric="no.such", lines="a line a colour", part=-1)
    shown = drawing(table, choice)
    assert (shown.view, shown.metric, shown.lines) == ("dose–response", "perplexity", "a line a group")
    assert shown.chart is not None
    assert shown.part == shown.parts - 1


def test_a_run_of_baselines_and_a_run_of_nothing_say_what_is_missing(tmp_path: Path) -> None:
    run = tmp_path / "undamaged"
    run.mkdir()
    (run / "trials.jsonl").write_text(json.dumps(record(0, baseline=True)) + "\n")
    assert drawing(of_run(run), Choice()).reason == "only baselines so far: a dose needs a damaged trial"
    (run / "trials.jsonl").write_text("")
    assert drawing(of_run(run), Choice()).reason == "no trial with a result yet"


def test_every_kind_of_the_list_has_a_picture_and_a_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together the two runs have a chart of every kind; `lesion chart` prints what the list draws, in its order."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    drawn = set()
    for run in (examined(tmp_path), extremes.run(tmp_path)):
        table = Table.of(analysis.table(run), run, maps_apart=True)
        for metric in (*table.metrics, *table.told_apart):
            kinds = [kind for kind in KINDS if kind.several == (metric in table.told_apart)]
            charts = [(kind, part()) for kind in kinds for part in kind.parts(table, metric, Choice())]
            drawn |= {kind for kind, _ in charts}
            for _, chart in charts:
                picture = chart.picture(Plot(), 80, 20, Ink()).plain
                assert picture
                assert max(map(len, picture.splitlines())) <= 80
                assert chart.title
            print_charts(run, [metric])
            told = "".join(f"{chart.text(Paper(80, 24, colour=False))}\n\n" for _, chart in charts)
            assert capsys.readouterr().out == told
    assert drawn == set(KINDS)
