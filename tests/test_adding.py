"""docs/ADDING.md: the code of its pages, put together as a reader would, does what they say."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.petri import PETRI, held_out
from tests.warm.opening import WARM

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "docs" / "ADDING.md").read_text("utf-8")


def blocks() -> dict[str, str]:
    """By the name of the file that the text above it gives, the code of each page."""
    found = {}
    for part, code in re.findall(r"\n\n((?:(?!\n\n|```).)+)\n\n```(?:python|toml)\n(.*?)```", PAGES, re.DOTALL):
        names = re.findall(r"`((?:(?:lesion_more|app/charts)/[\w/]+\.py|pyproject\.toml))`", part)
        found[names[-1] if names else "profile.toml"] = code
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, installed by pip into a folder of its own, with the profile beside it."""
    source, target = tmp_path_factory.mktemp("more"), tmp_path_factory.mktemp("site")
    for name, code in blocks().items():
        if name.startswith("app/"):
            continue
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    (target / "profile.toml").write_text((source / "profile.toml").read_text() + "\n[run]\nthreads = 1\n")
    flags = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *flags, "--target", str(target), str(source)]
    subprocess.run(command, check=True)
    return target


def python(site: Path, *arguments: str, home: Path = ROOT) -> str:
    """What Python says that imports Lesion from its home, then what the site has."""
    path = os.pathsep.join(map(str, dict.fromkeys((home, site, ROOT, WARM))))
    done = subprocess.run(
        [sys.executable, "-P", *arguments], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trials(site: Path) -> list[dict[str, Any]]:
    """The records of the profile's run."""
    profile, results = str(site / "profile.toml"), str(site / "results")
    said = python(site, "-m", "app.cli", "run", profile, "--json", "-q", "--results", results)
    run = Path(json.loads(said)["run"])
    return [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]


def of(trials: list[dict[str, Any]], method: str, level: float) -> dict[str, Any]:
    found = [one for one in trials if (one["method"], one["level"]) == (method, level) and not one.get("select")]
    assert [one["status"] for one in found] == ["ok"]
    return found[0]


def test_every_page_has_its_code() -> None:
    assert sorted(blocks()) == sorted(
        [
            "pyproject.toml",
            "profile.toml",
            "app/charts/shares.py",
            *(f"lesion_more/{name}.py" for name in ("__init__", "blur", "options", "drift", "unevenness", "mixing")),
            *(f"lesion_more/entropy/{name}.py" for name in ("__init__", "table", "run")),
        ]
    )


def test_the_method_and_its_option(trials: list[dict[str, Any]]) -> None:
    baseline = of(trials, "none", None)["metrics"]  # type: ignore[arg-type]
    assert of(trials, "blur", 0.0)["metrics"] == baseline
    assert of(trials, "blur", 1.0)["metrics"] == of(trials, "ablation", 1.0)["metrics"] != baseline


def test_the_walk(trials: list[dict[str, Any]]) -> None:
    distances = [of(trials, "drift", level)["metrics"]["distance"] for level in (0, 2, 4)]
    assert distances[0] == 0 < distances[1] < distances[2]
    assert of(trials, "drift", 0)["touched"] == 0 < of(trials, "drift", 4)["touched"]


def test_the_measurement(trials: list[dict[str, Any]]) -> None:
    model = AutoModelForCausalLM.from_pretrained(PETRI["petri-4k"])
    tokenizer = AutoTokenizer.from_pretrained(PETRI["petri-4k"])
    total, tokens = 0.0, 0
    for text in held_out(0, 4):
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt", return_token_type_ids=False)).logits[0]
        x = logits.numpy().astype(np.float64)
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        total -= float((p * np.log(p)).sum())
        tokens += len(p)
    found = of(trials, "none", None)["metrics"]["entropy"]  # type: ignore[arg-type]
    assert math.isclose(found, total / tokens, rel_tol=1e-5)


def test_the_score(site: Path, trials: list[dict[str, Any]]) -> None:
    code = """
import torch
from pathlib import Path
from engine.models.loading import load
from engine.profile import ModelSpec
from engine.scores import ScoreSpec, rank

loaded = load(ModelSpec(names=("petri-4k",)), "petri-4k", torch.device("cpu"))
found = rank(loaded.architecture.slices("mlp_only"), loaded, ScoreSpec("unevenness"), 5, largest=True)
for entry in found.entries():
    print(entry.parameter, *entry.index)
"""
    state = AutoModelForCausalLM.from_pretrained(PETRI["petri-4k"]).state_dict()
    distances = []
    for name, weights in state.items():
        if ".mlp." in name and name.endswith("weight"):
            size = weights.abs().double().numpy()
            for index, value in np.ndenumerate(np.abs(size - 2.0 ** np.round(np.log2(size)))):
                distances.append((-value, f"{name} {' '.join(map(str, index))}"))
    assert python(site, "-c", code).splitlines() == [name for _, name in sorted(distances)[:5]]
    assert [one["touched"] for one in trials if one.get("select")] == [5]


def test_the_family(site: Path) -> None:
    code = """
from transformers import LlamaConfig, LlamaForCausalLM
from engine.models.architecture import architecture

small = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
model = LlamaForCausalLM(LlamaConfig(**small))
for block in model.model.layers:
    block.mixer, block.thinker = block.self_attn, block.mlp
    del block.self_attn, block.mlp
parts = architecture(model)
print(parts.name, sum(piece.numel for piece in parts.slices("mlp_only")))
"""
    assert python(site, "-c", code).split() == ["mixing", str(2 * 3 * 32 * 48)]


def test_the_terminal_knows_them(site: Path) -> None:
    listed = python(site, "-m", "app.cli", "doctor", "--json")
    [package] = json.loads(listed)["additions"]
    assert (package["methods"], package["measurements"], package["faults"]) == (["blur", "drift"], ["entropy"], [])


@pytest.fixture(scope="module")
def charted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the terminal with the chart in it, as the page says."""
    folder = tmp_path_factory.mktemp("charted")
    shutil.copytree(ROOT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "app/charts/shares.py").write_text(blocks()["app/charts/shares.py"])
    kinds = folder / "app/charts/kinds.py"
    [lines] = re.findall(r"```diff\n(.*?)```", PAGES, re.DOTALL)
    its_import, its_place = lines.replace("+", "").splitlines()
    text = kinds.read_text().replace("from app.charts.scaling", f"{its_import}\nfrom app.charts.scaling")
    kinds.write_text(text.replace("    Laws(),\n", f"    Laws(),\n{its_place}\n"))
    return folder


def test_the_chart(site: Path, trials: list[dict[str, Any]], charted: Path) -> None:
    [run] = (site / "results").iterdir()
    said = python(charted, "-m", "app.cli", "chart", str(run), "-m", "perplexity", home=charted)
    damaged = [one for one in trials if one["level"] is not None]
    for group in ("mlp_only", "attn_only"):
        values = sorted(
            one["metrics"]["perplexity"] for one in damaged if one["group"] == group and not one.get("select")
        )
        assert f"{group}: half stay at {values[(len(values) - 1) // 2]:.4g}" in said
    assert "share of the trials" in said


def test_the_chart_in_the_console(site: Path, trials: list[dict[str, Any]], charted: Path) -> None:
    code = """
import sys
from pathlib import Path
from app.charts import choosing
from app.charts.chart import Choice
from app.charts.table import Table
from engine.analysis import table

shown = choosing.drawing(Table.of(table(Path(sys.argv[1]))), Choice(view="shares", metric="perplexity"))
print(shown.view, shown.parts, shown.chart.title)
"""
    [run] = (site / "results").iterdir()
    assert python(charted, "-c", code, str(run), home=charted).split() == ["shares", "1", "all", "levels"]
