"""Starting at the first damaged layer, through real workers: no bit of a record changes, and what is off is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.profile import Profile, parse, to_toml, trials

START = Callable[..., Any]

MEASURE: list[dict[str, Any]] = [
    {"name": "perplexity", "documents": 6, "batch_size": 4},
    {"name": "perplexity", "label": "narrow", "documents": 3, "context": 24},
    {"name": "tasks", "limit": 6},
    {"name": "spectrum", "documents": 3, "layers": [1]},
    {"name": "gains", "limit": 3},
    {"name": "generation", "limit": 2, "max_new_tokens": 6},
]
DAMAGE: list[dict[str, Any]] = [
    {"method": "mult_gauss", "groups": ["mlp_only"], "levels": [0.5, 1.0], "layers": [1]},
    {"method": "ablation", "groups": ["attn_all"], "levels": [0.3], "layers": [2]},
    {"method": "skip", "groups": ["attn_all", "all"], "levels": [1.0], "layers": [2]},
    {"method": "skip", "groups": ["mlp_only"], "levels": [1.0], "layers": "last 2"},
    {"method": "mult_gauss", "groups": ["norms", "all"], "levels": [0.5], "layers": [1]},
    {"method": "mult_gauss", "groups": ["norms", "all", "embed_only"], "levels": [0.5]},
    {
        "method": "sign_flip",
        "groups": ["mlp_only"],
        "levels": [1.0],
        "select": {"by": "coordinates", "coordinates": [["gpt_neox.layers.2.mlp.dense_4h_to_h.weight", 0, 0]]},
    },
]


def profile(folder: Path, reuse: bool, **changes: Any) -> Profile:
    tables: dict[str, Any] = {
        "name": "reuse",
        "model": {"names": ["petri-16k"], "device": "cpu"},
        "damage": DAMAGE,
        "measure": MEASURE,
        "run": {"reuse": reuse},
    }
    return parse(tables | changes, "test", folder)


def lasting(process: Any, trial: Any) -> dict[str, Any]:
    """What must be the same however a trial ran: all but times and memory."""
    answer = process.run(trial)
    record = {name: value for name, value in answer["record"].items() if name not in ("seconds", "peak_bytes")}
    record["metrics"] = {name: value for name, value in record["metrics"].items() if "seconds" not in name}
    texts = [{name: value for name, value in text.items() if name != "batch_seconds"} for text in answer["generations"]]
    return {"record": record, "generations": texts}


def artifacts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "artifacts").iterdir())}


def test_records_and_artifacts_are_the_same_bit_for_bit(worker: START, tmp_path: Path) -> None:
    """All measurements, several batches with padding, damage before, in and beyond the blocks, there and back."""
    on, off = profile(tmp_path, reuse=True), profile(tmp_path, reuse=False)
    todo = trials(on, tmp_path)
    assert [trial.key for trial in todo] == [trial.key for trial in trials(off, tmp_path)]
    whole = worker(off)
    expected = {trial.key: lasting(whole, trial) for trial in todo}
    kept = artifacts(tmp_path)
    assert {answer["record"]["status"] for answer in expected.values()} == {"ok"}
    assert len({str(answer["record"]["metrics"]) for answer in expected.values()}) == len(todo)
    midway = worker(on)
    for trial in (*todo, *todo[::-1]):
        assert lasting(midway, trial) == expected[trial.key], trial
    assert artifacts(tmp_path) == kept


FORGETFUL = """
import torch
from transformers.models.gpt_neox import modeling_gpt_neox as library
attend, block = library.GPTNeoXAttention.forward, library.GPTNeoXLayer.forward
seen = []
def attention(self, *args, **kwargs):
    output = attend(self, *args, **kwargs)
    if self.layer_idx == 0:
        seen[:] = [output[0]]
    return output
def layer(self, *args, **kwargs):
    output = block(self, *args, **kwargs)
    return output + seen[0] if self.attention.layer_idx == 2 else output
library.GPTNeoXAttention.forward, library.GPTNeoXLayer.forward = attention, layer
"""


def warned(process: Any, trial: Any) -> list[str]:
    """What a trial's model is warned of, the trial run to its end."""
    process.ask(trial)
    texts = []
    while (message := process.hear("warning", "done"))["say"] == "warning":
        texts.append(message["text"])
    assert message["record"]["status"] == "ok", message["record"]["error"]
    return texts


def test_a_model_that_does_not_allow_it_is_measured_whole_with_a_warning(worker: START, tmp_path: Path) -> None:
    spec = profile(tmp_path, reuse=True, measure=MEASURE[:1])
    process = worker(spec, FORGETFUL)
    assert warned(process, trials(spec, tmp_path)[1]) == [
        "petri-16k: every trial computes all layers, damaged or not: logits of passes that start at layer 1 differ "
        "from those of whole passes"
    ]


SCARCE = """
import torch
plain, calls = torch.log1p, []
def scarce(*args, **options):
    calls.append(1)
    if len(calls) in ({}):
        raise torch.OutOfMemoryError("no room")
    return plain(*args, **options)
torch.log1p = scarce
"""


@pytest.fixture
def narrow(tmp_path: Path) -> Profile:
    """Twelve short documents in one batch: one log1p a run of perplexity."""
    text = tmp_path / "short.txt"
    text.write_text("\n\n".join(["the smith packs : lamp key ."] * 12))
    return profile(tmp_path, reuse=True, measure=[{"name": "perplexity", "text": str(text)}])


def test_out_of_memory_first_frees_what_is_kept_and_only_then_halves_the_batch(
    worker: START, tmp_path: Path, narrow: Profile
) -> None:
    """The second and the third attempt at the second of two trials fail."""
    first, second = trials(narrow, tmp_path)[1:3]
    process = worker(narrow, SCARCE.format("2, 3"))
    assert warned(process, first) == []
    freed, halved = warned(process, second)
    assert freed.startswith("petri-16k: out of memory, so every trial now computes all layers; 6.7 kB freed")
    assert halved == "petri-16k: out of memory in perplexity, now in batches of 8"
    roomy = worker(narrow, batch={"petri-16k": {"perplexity": 8}})
    assert lasting(process, second) == lasting(roomy, second)


def test_the_plan_counts_what_is_kept(tmp_path: Path) -> None:
    """At least what a trial really keeps, and not several times as much."""
    from engine.work.estimator import answer
    from engine.work.subject import Subject

    kept = []
    for reuse in (True, False):
        spec = profile(tmp_path, reuse, damage=DAMAGE[:1], measure=[MEASURE[0], MEASURE[2]])
        asked = {"profile": to_toml(spec), "folder": str(tmp_path), "trust_remote_code": False}
        kept.append(answer(asked)["models"][0]["kept_bytes"])
    spec = profile(tmp_path, reuse=True, damage=DAMAGE[:1], measure=[MEASURE[0], MEASURE[2]])
    subject = Subject(spec, "petri-16k", tmp_path, torch.device("cpu"), trust_remote_code=False)
    for measurement in subject.measurements.values():
        measurement.prepare(4, lambda done, total: None)
    list(subject.damage([trials(spec, tmp_path)[1]]))
    for key in subject.measurements:
        subject.measure(key, 0, 4, lambda done, total: None)
    held = subject.stop_reusing()
    assert held > 0
    assert held <= kept[0] - kept[1] <= 4 * held
