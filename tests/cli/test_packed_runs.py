"""Real runs on 8-bit and 4-bit models, from the command line."""

import csv
import io
import json
import math
from pathlib import Path

import pytest

from tests.cli.conftest import Lesion

PROFILE = """
name = "packed"

[model]
names = ["petri-250k"]
device = "cpu"
load_in = LOAD_IN

[[damage]]
method = "mult_gauss"
groups = ["mlp_only"]
levels = [0.0, 0.3, 0.9]
layers = "1-3"

[[measure]]
name = "perplexity"
documents = 4

[[measure]]
name = "gains"
limit = 1

[run]
threads = 1
"""


@pytest.mark.parametrize("load_in", ['"8bit"', '"4bit"\ndouble_quant = true'])
def test_a_run_reports_requantising_by_itself(lesion: Lesion, tmp_path: Path, load_in: str) -> None:
    path = tmp_path / "packed.toml"
    path.write_text(PROFILE.replace("LOAD_IN", load_in))
    planned = lesion("plan", path, "--json")
    assert planned.returncode == 0, planned.stderr
    cells = [(cell["method"], cell["group"], cell["trials"]) for cell in json.loads(planned.stdout)["cells"]]
    assert cells == [("none", None, 1), ("requantise", "mlp_only[1-3]", 1), ("mult_gauss", "mlp_only[1-3]", 3)]
    done = lesion("run", path, "--results", tmp_path / "results", "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["run"]

    rows = list(csv.DictReader(io.StringIO(lesion("export", run, "--format", "csv").stdout)))
    assert [(row["method"], row["group"], row["level"]) for row in rows[:2]] == [
        ("none", "", ""),
        ("requantise", "mlp_only[1-3]", ""),
    ]
    baseline, alone, *dosed = [float(row["nll"]) for row in rows]
    assert alone == dosed[0] < dosed[1] < dosed[2]
    kl = [float(row["kl"]) for row in rows[1:]]
    assert kl[0] == kl[1] < kl[2] < kl[3]
    assert (kl[0] == 0) == (load_in == '"8bit"') == (alone == baseline)
    assert math.isclose(float(rows[1]["nll_change_pct"]), (alone / baseline - 1) * 100, abs_tol=1e-9)
    assert {row["params"] for row in rows} == {"315584"}

    charts = lesion("chart", run)
    assert charts.returncode == 0, charts.stderr
    assert "requantise" not in charts.stdout
    assert "mult_gauss" in charts.stdout
    if load_in == '"8bit"':
        return
    again = lesion("replay", run, "--verify", "--results", tmp_path / "again")
    assert again.returncode == 0, again.stderr
