"""`lesion plan`: what will run, what it needs, and about how long it takes."""

import json
import shutil
from pathlib import Path

from tests.cli.conftest import ROOT, SMALL, Lesion

PYTHIA = """
name = "scaling"
[model]
names = "pythia:*"
dtype = "float16"
device = "cpu"
fit = true
[[damage]]
method = "ablation"
groups = ["mlp_only"]
levels = [0.5]
[[measure]]
name = "gains"
"""


def test_pythia_without_a_network(lesion: Lesion, tmp_path: Path) -> None:
    path = tmp_path / "scaling.toml"
    path.write_text(PYTHIA)
    done = lesion("plan", path, "--json", "--results", tmp_path, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    sizes = {model["name"].rpartition("-")[2]: model for model in plan["models"]}
    assert list(sizes) == ["70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b", "12b"]
    assert 23.6e9 < sizes["12b"]["weights_bytes"] < 23.8e9
    assert {model["verdict"] for model in plan["models"]} <= {"fits", "will not fit"}
    fitting = [name for name, model in sizes.items() if model["fits"]]
    assert plan["trials"] == 2 * len(fitting)
    assert {cell["model"].rpartition("-")[2] for cell in plan["cells"]} == set(fitting)
    left = [line for line in plan["remarks"] if "is left out: it needs" in line]
    assert len(left) == 8 - len(fitting)
    assert plan["about_seconds"] > 0
    assert plan["timed_in_earlier_runs"] == []


def test_the_time_is_that_of_an_earlier_run_of_the_same_texts(lesion: Lesion, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("The cat sat.\n\nThe dog ran.\n")
    path = tmp_path / "own.toml"
    path.write_text(SMALL.replace("documents = 2", 'text = "mine.txt"').replace("count = 2", "count = 1"))
    before = lesion("plan", path, "--results", tmp_path / "results")
    assert ", by a short test of this host's speed\n" in before.stdout
    ended = json.loads(lesion("run", path, "--json", "--results", tmp_path / "results").stdout)
    assert ended["ok"] == 2
    name = Path(ended["run"]).name
    assert f", as run {name} took\n" in lesion("plan", path, "--results", tmp_path / "results").stdout
    other = lesion("plan", path, "--json", "--set", "run.threads=2", "--results", tmp_path / "results")
    assert json.loads(other.stdout)["timed_by"] == {}


def test_two_folders_of_one_name_have_a_row_each(lesion: Lesion, tmp_path: Path) -> None:
    for folder in ("old", "new"):
        shutil.copytree(ROOT / "engine" / "petri" / "weights" / "petri-4k", tmp_path / folder / "model")
    path = tmp_path / "two.toml"
    path.write_text(SMALL.replace('["petri-16k"]', '["./old/model", "./new/model"]'))
    done = lesion("plan", path, "--results", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines() if "/model" in line]
    assert rows[:4] == [[f"{name}/model", what] for name in ("old", "new") for what in ("baseline", "mult_gauss")]
    assert [row[0] for row in rows[4:6]] == ["old/model", "new/model"]
