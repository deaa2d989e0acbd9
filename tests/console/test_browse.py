"""The Browse screen with real keys: a finished run, nasty texts, damage on disk, and a hundred thousand trials."""

import csv
import math
import re
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from app.console.app import LesionApp
from app.console.browse.run_data import read
from app.console.browse.trial_filter import order, select
from app.console.browse.trial_table import TrialTable
from app.console.shared.chart_pane import Plot
from engine.profile import Trial
from tests.console.journals import Record, finish, make, record, write
from tests.console.shell import SIZES, shown, until


def lab(results: Path) -> LesionApp:
    return LesionApp(results, results / "profiles")


async def browsing(pilot: Pilot[None], run: Path) -> TrialTable:
    """Opens a run and waits for its table."""
    assert isinstance(pilot.app, LesionApp)
    await pilot.app.browse_run(run)
    await until(pilot, lambda: pilot.app.screen.query(TrialTable) and pilot.app.focused)
    return pilot.app.screen.query_one(TrialTable)


def said(pilot: Pilot[None], selector: str) -> str:
    return str(pilot.app.screen.query_one(selector, Static).render())


@pytest.mark.parametrize("size", SIZES)
async def test_a_finished_run_from_the_list_to_its_texts(finished_run: Path, size: tuple[int, int]) -> None:
    app = lab(finished_run.parent)
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: finished_run.name[:20] in shown(pilot, "#runs"))
        assert "✓ done" in shown(pilot, "#runs")
        assert "12/12" in shown(pilot, "#runs")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query(TrialTable) and isinstance(app.focused, TrialTable))
        assert "petri-16k" in shown(pilot, "#table")
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: "tokens" in shown(pilot, "#texts"))
        assert "perplexity" in shown(pilot, "#metrics")
        beside = [row for row in shown(pilot, "#texts").splitlines() if "trial ·" in row and "baseline ·" in row]
        assert bool(beside) == (size[0] >= 120)
        await pilot.press("escape", "c")
        await until(pilot, lambda: app.screen.query_one(Plot).drawing.chart)
        assert "dose–response · perplexity" in shown(pilot, "#chart")
        await pilot.press("m", "l")
        await until(pilot, lambda: "nll" in shown(pilot, "#chart") and "a line a model" in shown(pilot, "#chart"))
        await pilot.press("x")
        await until(pilot, lambda: "scaling" in shown(pilot, "#chart"))
        assert "+ undamaged" in shown(pilot, "#chart")
        await pilot.press("escape", "escape")
        assert finished_run.name[:20] in shown(pilot, "#runs")


@pytest.mark.parametrize("size", SIZES)
async def test_scaling_shows_every_group_of_a_method_at_a_level(tmp_path: Path, size: tuple[int, int]) -> None:
    sizes = {"petri-16k": 35_700, "petri-60k": 100_200, "petri-250k": 315_584}
    run, planned = make(tmp_path, models=sizes)

    def law(trial: Trial) -> Record:
        """Perplexity 10^6 / parameters, more where the level and the seed are larger; inf at the level 1 of the MLP."""
        lost = trial.group == "mlp_only" and trial.level == 1 and trial.model == "petri-16k"
        perplexity = math.inf if lost else 1e6 / sizes[trial.model] * (1 + (trial.level or 0)) * (trial.seed - 40)
        return {"parameters": sizes[trial.model], "metrics": {"perplexity": perplexity}}

    def renamed(trial: Trial) -> Record:
        return law(trial) | ({"method": "ablation"} if trial.group == "mlp_only" and trial.level == 0.5 else {})

    finish(run, planned, renamed)
    async with lab(tmp_path).run_test(size=size) as pilot:
        await browsing(pilot, run)
        await pilot.press("c", "x")
        # At level 0.5 the MLP has no trial of this method: at 0 both groups have all models.
        await until(pilot, lambda: "scaling · perplexity · mult_gauss σ 0 " in shown(pilot, "#chart"))
        seen = shown(pilot, "#chart")
        for name in ("● attn_only", "◆ mlp_only", "+ undamaged"):
            assert re.search(rf"├{re.escape(name)} ", seen), name
            assert re.search(rf"{re.escape(name)} +-1\.0000 ± 0\.0000 +1\.0000 +\S+ +3 +0 ", seen), name
        assert "petri-16k" in seen
        assert "points: mean of 2 seeds" in seen
        assert "1 of 2" in seen
        await pilot.press("comma")
        await until(pilot, lambda: "mult_gauss σ 1 " in shown(pilot, "#chart"))
        assert re.search(r"◆ mlp_only +no fit +– +– +2 +2 ", shown(pilot, "#chart"))
        await pilot.press("full_stop", "full_stop")
        await until(pilot, lambda: "mult_gauss σ 0.5 " in shown(pilot, "#chart"))
        assert re.search(r"◆ mlp_only +no fit +– +– +0 +0 ", shown(pilot, "#chart"))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "ablation p 0.5 " in shown(pilot, "#chart"))
        assert "attn_only" not in shown(pilot, "#chart")


async def test_sorting_and_filtering_by_key(tmp_path: Path) -> None:
    run, planned = make(tmp_path)
    finish(run, planned)
    async with lab(tmp_path).run_test(size=(120, 40)) as pilot:
        table = await browsing(pilot, run)
        await pilot.press("right", "right", "right", "right", "right", "s", "s")
        first = shown(pilot, "#table").splitlines()[2]
        assert "▼perplexity" in shown(pilot, "#table")
        assert "40" in first
        assert "+300 %" in first
        await pilot.press("slash", *"petri-60k attn_only level>=0.5")
        await until(pilot, lambda: table.row_count == 4)
        assert f"4 of {len(planned)} fit" in shown(pilot, "#table")
        await pilot.press(*"x")
        await until(pilot, lambda: table.row_count == 0)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: table.row_count == len(planned))


async def test_nan_and_inf_are_shown_sorted_last_and_found(tmp_path: Path) -> None:
    run, planned = make(tmp_path, models=["petri-16k"])
    broken = {5: math.nan, 6: math.inf, 7: -math.inf}
    finish(run, planned, lambda trial: {"metrics": {"perplexity": broken.get(trial.index, 3.0)}})
    data = read(run)
    upwards = order(data.table, select(data, ""), "perplexity", False).to_pylist()
    assert upwards[0] == 7
    assert upwards[-1] == 5
    assert select(data, "perplexity=nan").to_pylist() == [5]
    assert select(data, "perplexity>100").to_pylist() == [6]
    async with lab(tmp_path).run_test(size=(120, 40)) as pilot:
        await browsing(pilot, run)
        words = (" nan ", " inf ", " -inf ")
        await until(pilot, lambda: all(word in shown(pilot, "#table") for word in words))


@pytest.mark.parametrize("size", SIZES)
async def test_nasty_texts_are_literal_and_keep_the_layout(tmp_path: Path, size: tuple[int, int]) -> None:
    run, planned = make(tmp_path, models=["petri-16k"])
    finish(run, planned)
    async with lab(tmp_path).run_test(size=size) as pilot:
        await browsing(pilot, run)
        await pilot.press("end", "enter")
        await until(pilot, lambda: "␛[31mred␛[0m" in shown(pilot, "#texts"))
        seen = shown(pilot, "#texts")
        assert "healthy" in seen
        for _ in range(400):
            assert not any((ord(c) < 0x20 and c != "\n") or c in "\u202e\u2066\ufeff\x9b" for c in seen)
            assert all(row.rstrip()[-1] in "│┃╮╯▐█" or row.strip() for row in seen.splitlines())
            if "漢字" in seen:
                break
            await pilot.press("pagedown")
            seen = shown(pilot, "#texts")
        assert "漢字" in seen


async def test_a_damaged_line_is_named_and_the_rest_shown(tmp_path: Path) -> None:
    run, planned = make(tmp_path)
    finish(run, planned[:9])
    with (run / "trials.jsonl").open("ab") as file:
        file.write(b'{"v":1,"trial":"torn\n')
    finish(run, planned[9:])
    async with lab(tmp_path).run_test(size=(120, 40)) as pilot:
        table = await browsing(pilot, run)
        assert table.row_count == len(planned)
        assert "line 10" in " ".join(said(pilot, "Banner").split())
        await pilot.press("e")
        await until(pilot, lambda: pilot.app._notifications)
        assert any("line 10" in note.message for note in pilot.app._notifications)


async def test_export_writes_the_tidy_table_beside_the_run(tmp_path: Path) -> None:
    run, planned = make(tmp_path)
    finish(run, planned)
    async with lab(tmp_path).run_test(size=(80, 24)) as pilot:
        await browsing(pilot, run)
        await pilot.press("e")
        await until(pilot, lambda: pilot.app._notifications)
        assert any("trials.csv" in note.message for note in pilot.app._notifications)
    with (run / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(planned)
    assert {row["perplexity_change_pct"] for row in rows if row["level"] == "1.0"} == {"300.0"}


async def test_new_trials_of_a_live_run_appear_and_the_cursor_stays(tmp_path: Path) -> None:
    run, planned = make(tmp_path)
    finish(run, planned[:6])
    async with lab(tmp_path).run_test(size=(120, 40)) as pilot:
        table = await browsing(pilot, run)
        await pilot.press("down", "down")
        finish(run, planned[6:])
        await until(pilot, lambda: table.row_count == len(planned))
        assert table.cursor_row == 2


async def test_no_runs_and_no_trials_say_what_to_do(tmp_path: Path) -> None:
    async with lab(tmp_path / "nothing").run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "lesion run" in shown(pilot, "#runs"))
    run, _ = make(tmp_path)
    app = lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.browse_run(run)
        await until(pilot, lambda: "No trial of this run has finished" in shown(pilot, "#hint"))
        await pilot.press("escape")


async def test_a_hundred_thousand_trials(tmp_path: Path) -> None:
    run, planned = make(tmp_path, models=["petri-16k"], seeds=1)
    damaged = [trial for trial in planned if not trial.baseline]
    count = 100_000
    lines = (
        record(
            damaged[i % len(damaged)], trial=f"{i:016x}", index=i, seed=i // len(damaged), metrics={"perplexity": i / 7}
        )
        for i in range(count)
    )
    write(run, "trials.jsonl", lines)
    async with lab(tmp_path).run_test(size=(120, 40)) as pilot:
        table = await browsing(pilot, run)
        assert table.row_count == count
        await pilot.press("end")
        await until(pilot, lambda: "14,286" in shown(pilot, "#table"))
        assert table.cursor_row == count - 1
        await pilot.press("home", "pagedown", "down")
        assert 0 < table.cursor_row < 100
        await pilot.press("slash", *"level=0.5 seed<100")
        await until(pilot, lambda: table.row_count == 200)
