"""Models that cap or scale their logits behind the output head, through the real command: every measurement that reads
predictions, the damaged embedding being the head too."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.cli.conftest import Lesion
from tests.models.variants import opened

TEXTS = ["the kettle sang all night", "rain at last"]
QUESTION = {"question": "the sky is", "choices": ["blue", "a long answer"], "answer": 0}
PROFILE = """
name = "endings"

[model]
names = {models}
dtype = "float32"
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["embed_only", "mlp_only"]
levels = [0.2]

[[measure]]
name = "perplexity"
text = "text.txt"

[[measure]]
name = "tasks"
task = "task.jsonl"

[[measure]]
name = "ranking"
text = "text.txt"
samples = 1
k = 5

[seeds]
count = 1
"""


@torch.no_grad()
def nll_by_hand(variant: str) -> float:
    loaded, losses = opened(variant), []
    for text in TEXTS:
        ids = loaded.tokenizer(text)["input_ids"]
        log_p = torch.log_softmax(loaded.model(input_ids=torch.tensor([ids])).logits[0].double(), -1)
        losses += [-float(log_p[place, token]) for place, token in enumerate(ids[1:])]
    return math.fsum(losses) / len(losses)


def test_capped_and_scaled_models_are_measured(lesion: Lesion, tmp_path: Path) -> None:
    variants = ["Gemma 2", "Granite", "Cohere"]
    for variant in variants:
        loaded = opened(variant)
        loaded.model.save_pretrained(tmp_path / variant)
        loaded.tokenizer.save_pretrained(tmp_path / variant)
    (tmp_path / "text.txt").write_text("\n\n".join(TEXTS))
    (tmp_path / "task.jsonl").write_text(json.dumps(QUESTION))
    (tmp_path / "p.toml").write_text(PROFILE.format(models=json.dumps([str(tmp_path / name) for name in variants])))
    ran = lesion("run", tmp_path / "p.toml", "--results", tmp_path / "results")
    assert ran.returncode == 0, ran.stderr
    out = tmp_path / "table.csv"
    assert lesion("export", "last", "--results", tmp_path / "results", "-o", out).returncode == 0
    table = pd.read_csv(out)
    assert (table["status"] == "ok").all()
    baselines = table[table["method"] == "none"]
    for variant in variants:
        [nll] = baselines[baselines["model"].str.endswith(variant)]["nll"]
        assert nll == pytest.approx(nll_by_hand(variant), rel=1e-6)
    damaged = table[table["method"] != "none"]
    assert (damaged["kl"] > 1e-3).all()
    assert damaged["accuracy"].notna().all()
