"""The artifacts of a trial: told in its detail, and looked at from the keyboard."""

import json
import math
from pathlib import Path

import pytest
from textual_fastdatatable import DataTable

from app.console.browse.artifact_data import MOST_ROWS, read
from app.console.browse.artifact_view import ArtifactView
from app.console.browse.trial_detail import TrialDetail
from app.console.browse.trial_table import TrialTable
from engine.record.lines import encode
from tests.console.journals import finish, make
from tests.console.shell import lab, shown, until

LAYERS = [{"layer": 0, "gain": 0.5, "values": [1, 2]}, {"layer": 1, "gain": math.inf, "values": [3]}]


def written(run: Path, name: str, content: bytes) -> str:
    (run / "artifacts").mkdir(exist_ok=True)
    (run / "artifacts" / name).write_bytes(content)
    return f"artifacts/{name}"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_trials_files_are_looked_at_one_by_one(tmp_path: Path, size: tuple[int, int]) -> None:
    run, planned = make(tmp_path, models=["petri-16k"])
    baseline = planned[0].key
    names = [
        written(run, f"{baseline}-gains.json", encode({"trial": baseline, "tokens": 44, "layers": LAYERS})),
        written(run, f"{baseline}-ranking-top.csv", b"rank,parameter,score\n1,[/]a.weight,0.25\n2,b.weight,nan\n"),
    ]
    finish(run, planned, lambda trial: {"artifacts": names} if trial.key == baseline else {})
    app = lab(tmp_path)
    async with app.run_test(size=size) as pilot:
        await app.browse_run(run)
        await until(pilot, lambda: app.screen.query(TrialTable) and app.focused)
        await until(pilot, lambda: app.screen.query_one(TrialDetail).artifacts)
        await until(pilot, lambda: "artifacts: gains.json, ranking-top.csv" in shown(pilot, "#metrics"))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ArtifactView) and app.screen.query(DataTable))
        await until(pilot, lambda: "0.5" in shown(pilot, ".artifact"))
        seen = shown(pilot, ".artifact")
        assert "tokens: 44" in seen
        assert all(word in seen for word in ("layer", "gain", "inf", "2 values", "1 of 2"))
        await pilot.press("]")
        await until(pilot, lambda: "[/]a.weight" in shown(pilot, ".artifact"))
        assert all(word in shown(pilot, ".artifact") for word in ("rank", "0.25", "nan", "2 of 2"))
        await pilot.press("]")
        await until(pilot, lambda: "tokens: 44" in shown(pilot, ".artifact"))
        await pilot.press("escape", "down", "down")
        await until(pilot, lambda: not app.screen.query_one(TrialDetail).artifacts)
        await pilot.press("a")
        assert not isinstance(app.screen, ArtifactView)


def test_whatever_is_in_a_file_is_shown_or_told(tmp_path: Path) -> None:
    rows = b"".join(b"%d,0.5\n" % row for row in range(MOST_ROWS + 7))
    long = read(tmp_path, written(tmp_path, "long.csv", b"rank,score\n" + rows))
    assert len(long.rows) == MOST_ROWS
    assert long.note.startswith(f"the first {MOST_ROWS:,} of {MOST_ROWS + 7:,} rows; the file has them all")
    assert (long.columns, long.right, long.rows[3]) == (["rank", "score"], [True, True], ["3", "0.5"])
    numbers = read(
        tmp_path, written(tmp_path, "n.json", json.dumps({"trial": "x", "by_prompt": [0.5, "nan"]}).encode())
    )
    assert (numbers.columns, numbers.rows) == (["", "by_prompt"], [["0", "0.5"], ["1", "nan"]])
    layers = b'{"by_prompt": [[1, 2], [3, 4], [5, 6]], "attention": [1.5, 2.5], "mlp": [0.5, "inf"]}'
    gains = read(tmp_path, written(tmp_path, "g.json", layers))
    assert (gains.columns, gains.note) == (["", "attention", "mlp"], "by_prompt: 3 values")
    assert (gains.rows, gains.right) == ([["0", "1.5", "0.5"], ["1", "2.5", "inf"]], [True, True, True])
    plain = read(tmp_path, written(tmp_path, "p.json", b'{"trial": "x", "spikes": [], "found": null}'))
    assert plain.rows == [["spikes", "0 values"], ["found", "–"]]
    for name, content, says in (
        ("torn.json", b'{"layers": [', "is damaged"),
        ("blob.csv", b"\xff\xfe\x00,\n", "is damaged"),
        ("empty.csv", b"", ""),
    ):
        broken = read(tmp_path, written(tmp_path, name, content))
        assert broken.rows == []
        assert says in broken.note
    assert "cannot be read" in read(tmp_path, "artifacts/gone.json").note
    assert "outside of the run" in read(tmp_path, "../secret.csv").note
