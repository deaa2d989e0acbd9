"""A real pretrained model, from its files to a curve."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.measure.generation.run import Generation
from engine.measure.generation.table import GenerationMeasure
from engine.measure.perplexity.run import Perplexity
from engine.measure.perplexity.table import PerplexityMeasure
from engine.methods import apply
from engine.models.loading import LoadedModel
from engine.profile.texts import documents
from engine.weights.snapshot import Snapshot, digest

SMALL = PerplexityMeasure(text="english", documents=3, context=256, stride=128, batch_size=4)


def _quiet(done: int, total: int) -> None:
    """No progress."""


def _perplexity_by_hand(loaded: LoadedModel) -> float:
    """One document, one window and one token at a time; log-softmax in float64. At least 128 tokens come before a
    token, except near the beginning."""
    nll, count = 0.0, 0
    for text in documents(SMALL, Path()):
        ids = loaded.tokenizer(text)["input_ids"]
        done = 1
        for start in range(0, len(ids), 128):
            window = ids[start : start + 256]
            with torch.no_grad():
                logits = loaded.model(torch.tensor([window])).logits[0].double().numpy()
            for position in range(done - start, len(window)):
                row = logits[position - 1]
                nll += np.log(np.exp(row - row.max()).sum()) + row.max() - row[window[position]]
                count += 1
            done = max(done, start + len(window))
            if done == len(ids):
                break
    return math.exp(nll / count)


def test_perplexity_is_what_one_text_at_a_time_gives(smollm2: LoadedModel) -> None:
    measure = Perplexity(SMALL, smollm2, Path())
    measure.prepare(4, _quiet)
    metrics = measure.run(0, 4, _quiet).metrics
    assert metrics["perplexity"] == pytest.approx(_perplexity_by_hand(smollm2), rel=1e-5)
    assert 5 < metrics["perplexity"] < 60
    assert metrics["kl"] == 0


@pytest.mark.parametrize(("method", "level"), [("mult_gauss", 0.7), ("ablation", 0.5), ("uni_quant", 8)])
@pytest.mark.parametrize("group", ["attn_only", "mlp_only", "embed_only"])
def test_damage_hurts_and_is_undone_to_the_bit(smollm2: LoadedModel, method: str, level: float, group: str) -> None:
    before = digest(smollm2.model)
    measure = Perplexity(PerplexityMeasure(text="english", documents=1, context=128), smollm2, Path())
    measure.prepare(4, _quiet)
    healthy = measure.run(0, 4, _quiet).metrics["nll"]
    slices = smollm2.architecture.slices(group)
    snapshot = Snapshot(slices)
    assert apply(method, slices, level, seed=1) == sum(piece.numel for piece in slices)
    damaged = measure.run(0, 4, _quiet).metrics
    snapshot.restore()
    assert damaged["nll"] > healthy + 0.05
    assert damaged["kl"] > 0.05
    assert digest(smollm2.model) == before


def test_value_projections_are_named_exactly(smollm2: LoadedModel) -> None:
    """Thirty layers, three key-value heads of 64 in a width of 576, and embeddings that are tied."""
    slices = smollm2.architecture.slices("attn_only")
    assert [piece.shape for piece in slices] == [(192, 576)] * 30
    assert sum(piece.numel for piece in smollm2.architecture.slices("mlp_only")) == 30 * 3 * 576 * 1536
    assert smollm2.architecture.tied


def test_a_prompt_has_one_greedy_answer(smollm2: LoadedModel) -> None:
    """Alone, in a batch with longer ones, and through the library's own loop; with the chat template."""
    prompts = ("What is the capital of France?", "Write one sentence about rain.", "List three colours, please, now.")
    spec = GenerationMeasure(prompts=prompts, sample=False, max_new_tokens=16)
    batched = [text["text"] for text in Generation(spec, smollm2, Path()).run(0, 8, _quiet).texts]
    alone = [text["text"] for text in Generation(spec, smollm2, Path()).run(0, 1, _quiet).texts]
    assert batched == alone
    assert "Paris" in batched[0]
    chat = [{"role": "user", "content": prompts[0]}]
    encoded = smollm2.tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
    written = smollm2.model.generate(**encoded, max_new_tokens=16, do_sample=False)[0, encoded["input_ids"].shape[1] :]
    assert smollm2.tokenizer.decode(written, skip_special_tokens=True) == batched[0]


def test_the_shipped_profile_runs(folder: Path, tmp_path: Path) -> None:
    """The real command on `profiles/smollm2.toml`, made small."""
    profile = folder.parents[1] / "profiles" / "smollm2.toml"
    small = ["damage.0.levels=[0.0, 1.4]", "damage.1.levels=[0.5]", "seeds.count=1", "measure.0.documents=1"]
    small += ["measure.0.context=128", "measure.1.limit=2", "measure.1.max_new_tokens=8"]
    command = [sys.executable, "-m", "app.cli", "run", str(profile), "--json", "--results", str(tmp_path)]
    command += [word for change in small for word in ("--set", change)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["trials"], report["ok"]) == (4, 4)
    lines = (Path(report["run"]) / "trials.jsonl").read_text().splitlines()
    baseline, neutral, *damaged = [json.loads(line)["metrics"]["perplexity"] for line in lines]
    assert neutral == baseline
    assert all(perplexity > baseline for perplexity in damaged)
