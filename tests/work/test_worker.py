"""The worker's protocol and the trial loop, through real worker processes."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.profile import Profile, parse, trials
from tests.work.conftest import LIMITED

TIMES = {"seconds", "peak_bytes"}

START = Callable[..., Any]


def profile(folder: Path, **changes: Any) -> Profile:
    tables: dict[str, Any] = {
        "name": "worker",
        "model": {"names": ["petri-16k"]},
        "damage": [{"method": "mult_gauss", "groups": ["attn_only", "mlp_only"], "levels": [0.0, 0.5]}],
        "seeds": {"count": 1},
        "measure": [
            {"name": "perplexity", "documents": 6},
            {"name": "perplexity", "label": "narrow", "documents": 6, "context": 32},
            {"name": "generation", "limit": 3, "max_new_tokens": 8},
        ],
    }
    return parse(tables | changes, "test", folder)


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """What must be the same whenever a trial runs: all but the times."""
    record = {name: value for name, value in answer["record"].items() if name not in TIMES}
    record["metrics"] = {name: value for name, value in record["metrics"].items() if "seconds" not in name}
    texts = [{name: value for name, value in text.items() if name != "batch_seconds"} for text in answer["generations"]]
    return {"record": record, "generations": texts}


def test_results_do_not_depend_on_the_order_or_the_process(worker: START, tmp_path: Path) -> None:
    """Baseline, neutral levels and damage, forwards in one process and backwards in another, to the last bit."""
    spec = profile(tmp_path)
    todo = trials(spec, tmp_path)
    forwards, backwards = worker(spec), worker(spec)
    assert forwards.hear("ready")["device"] == "cpu"
    first = {trial: lasting(forwards.run(trial)) for trial in todo}
    second = {trial: lasting(backwards.run(trial)) for trial in todo[::-1]}
    assert first == second
    assert [result["record"]["status"] for result in first.values()] == ["ok"] * 5
    baseline, neutral, damaged = (first[trial]["record"] for trial in todo[:3])
    assert baseline["metrics"]["kl"] == baseline["metrics"]["narrow.kl"] == 0.0
    assert neutral["metrics"] == baseline["metrics"]
    assert damaged["metrics"]["kl"] > 0
    assert damaged["metrics"]["narrow.perplexity"] > baseline["metrics"]["narrow.perplexity"]
    assert neutral["metrics"]["narrow.nll"] > neutral["metrics"]["nll"]  # less to the left
    assert (baseline["touched"], damaged["touched"]) == (0, 3 * 20 * 20)
    assert baseline["batch"] == {"perplexity": 16, "narrow.perplexity": 16, "generation": 40}
    assert backwards.close() == 0
    forwards.tell({"do": "quit"})
    assert forwards.process.wait() == 0


def test_messages_and_texts(worker: START, tmp_path: Path) -> None:
    spec = profile(tmp_path)
    trial = trials(spec, tmp_path)[2]
    process = worker(spec)
    ready = process.hear("ready")
    facts = ready["facts"]
    assert (facts["torch"], facts["threads"]) == (torch.__version__, 1)
    assert facts["vectors"] == torch.backends.cpu.get_cpu_capability()
    assert facts["cpu"]
    assert "gpus" not in facts
    process.ask(trial)
    assert process.hear("loading") == {"say": "loading", "model": "petri-16k"}
    loaded = process.hear("loaded")
    assert loaded["dtype"] == "float32"
    assert loaded["parameters"] == 35_700
    assert len(loaded["digest"]) == 64
    answer = process.hear("done")
    assert answer["record"]["texts"] == len(answer["generations"]) == 3
    assert answer["record"]["peak_bytes"] > 10_000_000
    assert answer["record"]["seconds"] > 0
    text = answer["generations"][1]
    assert text["index"] == 1
    assert text["trial"] == trial.key
    assert (text["measurement"], text["label"], text["prompt_set"]) == ("generation", None, "petri")
    assert (text["model"], text["group"], text["level"], text["seed"]) == ("petri-16k", "attn_only", 0.5, 42)


def test_a_model_that_cannot_be_loaded_fails_its_trials_alone(worker: START, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "config.json").write_text(json.dumps({"model_type": "gpt_neox"}))
    spec = profile(tmp_path, model={"names": [str(empty), "petri-16k"]})
    todo = trials(spec, tmp_path)
    process = worker(spec)
    for trial in (todo[0], todo[1], todo[5], todo[2]):
        record = process.run(trial)["record"]
        if trial.model == "petri-16k":
            assert record["status"] == "ok"
        else:
            assert record["status"] == "failed"
            assert record["metrics"] == {}
            assert "empty" in record["error"]


def test_a_mistake_in_a_trial_is_its_own(worker: START, tmp_path: Path) -> None:
    damage = {"method": "ablation", "groups": ["attn_q"], "levels": [0.5]}
    spec = profile(tmp_path, damage=[damage | {"layers": layers} for layers in ("0", "7")])
    _, good, bad = trials(spec, tmp_path)
    process = worker(spec)
    before = process.run(good)
    record = process.run(bad)["record"]
    assert record["status"] == "failed"
    assert "7" in record["error"]
    assert lasting(process.run(good)) == lasting(before)


def test_heads_narrow_what_is_damaged(worker: START, tmp_path: Path) -> None:
    damage = {"method": "ablation", "groups": ["attn_v"], "levels": [0.5]}
    narrowed: list[dict[str, Any]] = [{}, {"heads": [0, 3]}, {"layers": "last 1", "heads": "2-3"}, {"heads": "last 5"}]
    spec = profile(tmp_path, model={"names": ["petri-60k"]}, damage=[damage | only for only in narrowed])
    process = worker(spec)
    every, two, last, bad = (process.run(trial)["record"] for trial in trials(spec, tmp_path) if not trial.baseline)
    assert (two["touched"], last["touched"]) == (every["touched"] // 2, every["touched"] // 6)
    assert len({record["metrics"]["kl"] for record in (every, two, last)}) == 3
    assert "heads 'last 5' do not exist: the model has 4 heads, 0 to 3" in bad["error"]


NOISY = """
import os, torch
plain, calls = torch.log1p, []
def noisy(*args, **options):
    calls.append(1)
    print('{"say": "done", "noise": true}', flush=True)
    os.write(1, b"noise\\n")
    os.system("echo noise from a child; cat")
    if len(calls) == 3:
        raise KeyError("a library's own fault")
    return plain(*args, **options)
torch.log1p = noisy
"""


def test_noise_and_faults_of_a_library_stay_out_of_the_protocol(worker: START, tmp_path: Path) -> None:
    """The library prints, its child process reads stdin, and on the second trial it raises."""
    spec = profile(tmp_path, measure=[{"name": "perplexity", "documents": 4}])
    _, first, second, third, _ = trials(spec, tmp_path)
    process = worker(spec, NOISY)
    assert process.run(first)["record"]["status"] == "ok"
    failed = process.run(second)["record"]
    assert (failed["status"], failed["error"]) == ("failed", 'KeyError: "a library\'s own fault"')
    assert process.run(third)["record"]["status"] == "ok"
    log = process.log.read_text()
    assert "noise from a child" in log
    assert "Traceback" in log


MEDDLING = """
import gc, torch
plain, calls = torch.log1p, []
def meddling(*args, **options):
    calls.append(1)
    if len(calls) == 3:
        models = [o for o in gc.get_objects() if type(o).__name__ == "GPTNeoXForCausalLM"]
        models[0].gpt_neox.final_layer_norm.weight.data[0] += 1
    return plain(*args, **options)
torch.log1p = meddling
"""


def test_weights_that_do_not_come_back_end_the_worker(worker: START, tmp_path: Path) -> None:
    spec = profile(tmp_path, measure=[{"name": "perplexity", "documents": 4}])
    todo = trials(spec, tmp_path)
    process = worker(spec, MEDDLING)
    assert process.run(todo[1])["say"] == "done"
    answer = process.run(todo[2])
    assert answer["say"] == "fatal"
    assert "petri-16k" in answer["text"]
    assert process.process.wait() == 1


def test_signals_are_left_to_the_runner_but_a_closed_stdin_ends_it_in_mid_trial(worker: START, tmp_path: Path) -> None:
    long = {"name": "generation", "limit": 8, "max_new_tokens": 250, "batch_size": 1}
    spec = profile(tmp_path, model={"names": ["petri-1m"]}, seeds={"count": 1}, measure=[long])
    process = worker(spec)
    process.hear("ready")
    process.ask(trials(spec, tmp_path)[0])
    process.hear("progress")
    process.process.send_signal(signal.SIGINT)
    process.process.send_signal(signal.SIGTERM)
    process.hear("progress")
    assert process.close() == 0


def test_out_of_memory_halves_the_batch_then_gives_the_trial_up(
    worker: START, tmp_path: Path, wide_model: Path
) -> None:
    """Allocations really fail: the process may grow by 600 MiB only."""
    text = tmp_path / "short.txt"
    text.write_text("\n\n".join(["bees eat foxes . the guards rest . Bero has two cups . Nero eats soup ."] * 16))
    measure = {"name": "perplexity", "text": str(text)}
    spec = profile(tmp_path, model={"names": [str(wide_model)]}, measure=[measure | {"batch_size": 16}])
    baseline, first, second, *_ = trials(spec, tmp_path)
    process = worker(spec, LIMITED)
    record = process.run(baseline)["record"]
    assert record["status"] == "ok", record["error"]
    size = record["batch"]["perplexity"]
    assert size in (2, 4, 8)
    limited = [process.run(trial) for trial in (first, second)]
    assert [answer["record"]["batch"]["perplexity"] for answer in limited] == [size, size]
    roomy = worker(spec, batch={str(wide_model): {"perplexity": size}})
    assert lasting(roomy.run(second)) == lasting(limited[1])


def test_a_trial_that_never_fits_is_recorded_and_the_next_one_runs(
    worker: START, tmp_path: Path, wide_model: Path
) -> None:
    text = tmp_path / "long.txt"
    text.write_text("bees eat foxes . the guards rest . " * 60)
    measure = {"name": "perplexity", "text": str(text), "context": 256, "batch_size": 2}
    spec = profile(tmp_path, model={"names": [str(wide_model), "petri-16k"]}, measure=[measure])
    todo = trials(spec, tmp_path)
    process = worker(spec, LIMITED)
    record = process.run(todo[1])["record"]
    assert record["status"] == "oom"
    assert record["metrics"] == {}
    assert record["error"] == "out of memory: perplexity at batch size 1 does not fit on cpu"
    assert process.run(todo[2])["record"]["status"] == "oom"
    record = process.run(todo[6])["record"]
    assert record["status"] == "ok", record["error"]
