"""A study of critical weights from the command line, against plain autograd and numpy on the whole list of weights."""

import json
import math
import os
import signal
import subprocess
import time
from contextlib import suppress
from io import StringIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.profile import load
from engine.record.records import read_trials
from engine.runs import create, start, status
from tests.cli.conftest import COMMAND, ROOT, Lesion, WriteProfile

DOCUMENTS = (
    "The kettle sang all night.",
    "Rain, at last, and nobody out.",
    "Forty-two windows, shut.",
    "A naive cafe.",
)
K = (5, 20)
RATIOS = (0.1, 0.25, 0.5, 0.75, 1.0)

PROFILE = """
name = "critical"

[model]
names = ["MODEL"]
dtype = "float32"
device = "cpu"

[[damage]]
method = "mask"
groups = ["all"]
levels = [0.1, 0.25, 0.5, 0.75, 1.0]
select = { by = "top_k", k = [5, 20], score = "grad_x_weight", text = "own.txt" }

[[damage]]
method = "mask"
groups = ["all"]
levels = [0.5]
select = { by = "bottom_k", k = 20, score = "grad_x_weight", text = "own.txt" }

[[damage]]
method = "mask"
groups = ["all"]
levels = [0.75]
select = { by = "random", k = [5, 20] }

[[measure]]
name = "ranking"
scores = ["grad_x_weight", "magnitude"]
k = [5, 20]
text = "own.txt"

[[measure]]
name = "perplexity"
text = "own.txt"

[run]
threads = 1
"""


@pytest.fixture(scope="module")
def study(tiny_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile, in a folder of its own with the text."""
    folder = tmp_path_factory.mktemp("critical")
    (folder / "own.txt").write_text("\n\n".join(DOCUMENTS))
    (folder / "critical.toml").write_text(PROFILE.replace("MODEL", str(tiny_models["llama"])))
    return folder / "critical.toml"


@pytest.fixture(scope="module")
def run(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It, run from the command line."""
    results = tmp_path_factory.mktemp("results")
    done = command("run", study, "--json", "--results", results)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout.splitlines()[-1])["run"])


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    called = [*COMMAND, *map(str, arguments)]
    return subprocess.run(called, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


class ByHand:
    """The model in float64, with scores and losses from autograd alone."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.parameters = dict(self.model.named_parameters())

    def nll(self, texts: tuple[str, ...]) -> torch.Tensor:
        total, tokens = torch.zeros(()).double(), 0
        for text in texts:
            ids = self.tokenizer(text)["input_ids"]
            logits = self.model(input_ids=torch.tensor([ids])).logits[0, :-1]
            total = total - torch.log_softmax(logits, -1)[range(len(ids) - 1), ids[1:]].sum()
            tokens += len(ids) - 1
        return total / tokens

    def products(self, texts: tuple[str, ...]) -> dict[str, np.ndarray]:
        self.model.zero_grad()
        self.nll(texts).backward()
        none = torch.zeros(1).double()
        return {
            name: ((none if p.grad is None else p.grad) * p).abs().detach().numpy() + np.zeros(p.shape)
            for name, p in self.parameters.items()
        }


def best(scores: dict[str, np.ndarray], k: int) -> set[tuple[str, int]]:
    """Every weight in one list, sorted as a whole."""
    every = [(-float(s), place, int(i)) for place, one in enumerate(scores.values()) for i, s in enumerate(one.ravel())]
    names = list(scores)
    return {(names[place], i) for _, place, i in sorted(every)[:k]}


def listed(run: Path, score: str, k: int) -> set[tuple[str, tuple[int, ...]]]:
    table = pd.read_csv(artifact(run, f"ranking-{score}.csv"))
    return {(row["parameter"], indices(row["indices"])) for row in table.head(k).to_dict("records")}


def indices(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.strip("()").split(","))


def artifact(run: Path, ending: str) -> Path:
    (record,) = [record for record in read_trials(run) if record.baseline]
    (name,) = [name for name in record.artifacts or () if name.endswith(ending)]
    return run / str(name)


def test_the_ranking_is_that_of_the_whole_list(run: Path, tiny_models: dict[str, Path]) -> None:
    hand = ByHand(tiny_models["llama"])
    products = hand.products(DOCUMENTS)
    sizes = {name: p.detach().abs().numpy() for name, p in hand.parameters.items()}
    (baseline,) = [record for record in read_trials(run) if record.baseline]
    for score, every in (("grad_x_weight", products), ("magnitude", sizes)):
        table = pd.read_csv(artifact(run, f"ranking-{score}.csv"))
        assert list(table.columns) == ["rank", "parameter", "indices", "score", "weight", "kind"]
        assert table["rank"].tolist() == list(range(1, max(K) + 1))
        flat = np.sort(np.concatenate([one.ravel() for one in every.values()]))[::-1]
        assert table["score"].to_numpy() == pytest.approx(flat[: max(K)], rel=1e-3)
        for row in table.to_dict("records"):
            at = indices(row["indices"])
            assert row["score"] == pytest.approx(every[row["parameter"]][at], rel=1e-3)
            assert row["weight"] == float(hand.parameters[row["parameter"]].detach()[at])
            assert row["kind"] == ("vector" if len(at) == 1 else "matrix")
        assert baseline.metrics[f"{score}.largest_score"] == pytest.approx(flat[0], rel=1e-3)
        assert baseline.metrics[f"{score}.top_share"] == pytest.approx(flat[: max(K)].sum() / flat.sum(), rel=1e-3)
        layers = pd.read_csv(artifact(run, "ranking-layers.csv"))
        layers = layers[layers["score"] == score]
        assert layers["layer"].tolist()[:2] == [0, 1]
        for layer in (0, 1):
            ours = np.concatenate([one.ravel() for name, one in every.items() if f"layers.{layer}." in name])
            whole = layers[layers["layer"] == layer].iloc[0]
            assert whole["weights"] == ours.size
            assert whole["mean"] == pytest.approx(ours.mean(), rel=1e-3)
            assert whole["std"] == pytest.approx(ours.std(), rel=1e-3)
        assert layers["listed"].sum() == max(K)
        assert layers["listed_vectors"].sum() == (table["kind"] == "vector").sum()


def test_overlap_is_that_of_the_sets(run: Path, tiny_models: dict[str, Path]) -> None:
    table = pd.read_csv(artifact(run, "ranking-overlap.csv"))
    (baseline,) = [record for record in read_trials(run) if record.baseline]
    for k in K:
        one, other = (listed(run, score, k) for score in ("grad_x_weight", "magnitude"))
        rows = table[(table["between"] == "scores") & (table["k"] == k)]
        assert rows["jaccard"].tolist() == [len(one & other) / len(one | other)]
    hand = ByHand(tiny_models["llama"])
    halves = [best(hand.products(DOCUMENTS[start::2]), max(K)) for start in (0, 1)]
    (jaccard,) = [len(a & b) / len(a | b) for a, b in combinations(halves, 2)]
    found = baseline.metrics["grad_x_weight.jaccard_samples"]
    assert found == pytest.approx(jaccard, abs=0.06)  # one weight more or less: two scores may differ in the last digit
    assert 0 < found < 1
    assert "magnitude.jaccard_samples" not in baseline.metrics
    assert "grad_x_weight.jaccard_seeds" not in baseline.metrics


def test_the_first_of_them_are_masked(run: Path, tiny_models: dict[str, Path]) -> None:
    records = read_trials(run)
    assert len(records) == 1 + 2 * len(RATIOS) + 1 + 2
    for record in records[1:]:
        assert record.level is not None
        assert record.select is not None
        assert record.touched == math.floor(record.level * record.select["k"])
        assert record.metrics.keys() == {"perplexity", "nll", "token_accuracy", "kl"}
        assert record.artifacts is None
    table = pd.read_csv(artifact(run, "ranking-grad_x_weight.csv"))
    for record in records[1 : 1 + 2 * len(RATIOS)]:
        hand = ByHand(tiny_models["llama"])
        with torch.no_grad():
            for row in table.head(record.touched or 0).to_dict("records"):
                hand.parameters[row["parameter"]][indices(row["indices"])] = 0
            assert record.metrics["nll"] == pytest.approx(float(hand.nll(DOCUMENTS)), rel=1e-5)


def test_the_export_tells_score_k_and_control_apart(run: Path) -> None:
    table = pd.read_csv(StringIO(command("export", run).stdout))
    groups = table["group"].dropna().unique().tolist()
    scored = [f"all[{by} {k} grad_x_weight own]" for by, k in (("top_k", 5), ("top_k", 20), ("bottom_k", 20))]
    assert groups == [*scored, "all[random 5]", "all[random 20]"]


def test_a_replay_gives_the_same_files(run: Path) -> None:
    done = command("replay", run, "--verify", "--results", run.parent)
    assert done.returncode == 0, done.stderr
    assert "equal bit for bit" in done.stderr
    (again,) = [other for other in run.parent.iterdir() if other != run]
    assert files(again) == files(run)
    assert len(files(run)) == 5


def files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "artifacts").iterdir()}


def test_killed_while_its_tables_are_written(study: Path, run: Path, tmp_path: Path) -> None:
    again = create(load(study), tmp_path, source=study)
    runner = start(again)
    while not ((again / "artifacts").exists() and list((again / "artifacts").iterdir())):
        assert status(again).state == "running"
        time.sleep(0.001)
    for process in [*psutil.Process(runner.pid).children(recursive=True), psutil.Process(runner.pid)]:
        with suppress(ProcessLookupError):  # it had just ended
            os.kill(process.pid, signal.SIGKILL)
    runner.wait()
    for leftover in (again / "artifacts").iterdir():
        assert leftover.name.startswith(".") or leftover.read_bytes() == files(run)[leftover.name]
    assert start(again).wait() == 0
    assert files(again) == files(run)
    assert [record.artifacts for record in read_trials(again)] == [record.artifacts for record in read_trials(run)]


def test_a_planted_super_weight_is_found_and_its_coordinates_can_be_pasted(
    lesion: Lesion, profile: WriteProfile, tiny_models: dict[str, Path], tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_models["llama"])
    name = "model.layers.1.mlp.down_proj.weight"
    with torch.no_grad():
        parts = dict(model.named_parameters())
        parts["model.layers.1.mlp.up_proj.weight"][11] *= 200
        parts[name][:, 11] *= 0.001
        parts[name][5, 11] = 4.0
    model.save_pretrained(tmp_path / "planted")
    AutoTokenizer.from_pretrained(tiny_models["llama"]).save_pretrained(tmp_path / "planted")
    (tmp_path / "own.txt").write_text("\n\n".join(DOCUMENTS))
    measures = '[[measure]]\nname = "super_weights"\ntext = "own.txt"\ntimes = 1.5\n\n[[measure]]\n'
    small = profile('["petri-16k"]', f'["{tmp_path / "planted"}"]')
    small.write_text(small.read_text().replace("[[measure]]\n", measures).replace("documents = 2", 'text = "own.txt"'))
    done = lesion("run", small, "--results", tmp_path / "found", "--json")
    assert done.returncode == 0, done.stderr
    baseline, damaged, _ = read_trials(run := Path(json.loads(done.stdout)["run"]))
    assert damaged.metrics.keys() == {"perplexity", "nll", "token_accuracy", "kl"}
    assert (damaged.batch or {}).keys() == {"perplexity"}
    metrics, names = baseline.metrics, baseline.artifacts or ()
    assert metrics["super_weights"] == 1
    assert metrics["spike"] > 1.5
    assert [Path(file).suffix for file in names] == [".json", ".csv"]
    found = json.loads((run / names[0]).read_text())["coordinates"]
    assert found == [[name, 5, 11]]
    (row,) = pd.read_csv(run / names[1]).to_dict("records")
    assert (row["parameter"], row["indices"], row["nll_without"]) == (name, "(5, 11)", metrics["super_nll_without"])

    select = f"{{by='coordinates', coordinates={json.dumps(found)}}}"
    coordinates = f"damage=[{{method='mask', groups=['mlp_only'], levels=[1.0], select={select}}}]"
    done = lesion(
        "run", small, "--set", coordinates, "--set", "seeds.count=1", "--results", tmp_path / "used", "--json"
    )
    assert done.returncode == 0, done.stderr
    baseline, masked = read_trials(Path(json.loads(done.stdout)["run"]))
    assert masked.touched == 1
    assert masked.metrics["nll"] == pytest.approx(metrics["super_nll_without"], rel=1e-5)
    assert baseline.metrics["nll"] == pytest.approx(metrics["super_nll"], rel=1e-5)
    assert abs(metrics["super_nll_without"] - metrics["super_nll"]) > abs(
        metrics["super_nll_control"] - metrics["super_nll"]
    )
