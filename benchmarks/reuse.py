"""What a scan of a model's layers costs that starts each trial at its damaged layer, beside one that computes them all:
python -m benchmarks.reuse [--threads N] [--model MODEL]

Runs on SmolLM2-135M-Instruct where `make real-model` has fetched it, else on petri-1m. Every layer's MLP is skipped in
turn, and each measurement made both ways on the same damaged model, the scan's first pass over each batch included. The
results must be equal bit for bit. The decoder alone, without predictions, shows what the blocks save by themselves.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from engine.measure.measurement import Measured
from engine.models.reuse import Reuse
from engine.profile import Profile, Trial, parse, trials
from engine.reading.encoding import pad
from engine.work.subject import Subject

SMOLLM = Path(__file__).resolve().parents[1] / "models" / "smollm2-135m-instruct"
WHOLE, REUSED, AROUND = "all layers", "from the damaged layer", "damage and restore"


def scan_of(name: str, layers: int) -> Profile:
    """Skips the MLP of every layer, one by one; reads four documents and a few multiple-choice questions."""
    tables: dict[str, Any] = {
        "name": "reuse",
        "model": {"names": [name]},
        "damage": [{"method": "skip", "groups": ["mlp_only"], "levels": [1.0], "each_layer": f"0-{layers - 1}"}],
        "measure": [
            {"name": "perplexity", "documents": 4, "context": 64, "stride": 63, "batch_size": 4},
            {"name": "tasks", "limit": 6},
        ],
    }
    return parse(tables, "benchmark", Path())


def clocked(seconds: dict[str, float], what: str, work: Callable[[], Any]) -> Any:
    """What `work` returns; its seconds are added to those of `what`."""
    begun = time.perf_counter()
    result = work()
    seconds[what] += time.perf_counter() - begun
    return result


def one_trial(subject: Subject, trial: Trial, seconds: dict[str, dict[str, float]]) -> None:
    """Damage, every measurement both ways, and back."""
    clocked(seconds["whole trials"], AROUND, lambda: list(subject.damage([trial])))
    for key, measurement in subject.measurements.items():
        ways: dict[str, Callable[[], Measured]] = {
            WHOLE: partial(measurement.run, 0, 16, lambda done, total: None),
            REUSED: partial(subject.measure, key, 0, 16, lambda done, total: None),
        }
        found = {way: clocked(seconds[key], way, work) for way, work in ways.items()}
        if repr(found[WHOLE]) != repr(found[REUSED]):
            raise SystemExit(f"{key}: a pass from layer {trial.layers} gives another result")
    clocked(seconds["whole trials"], AROUND, subject.restore)


def decoder_alone(subject: Subject, layers: int) -> dict[str, float]:
    """A pass of 4 x 64 tokens for every layer, both ways."""
    loaded, seconds = subject.loaded, defaultdict[str, float](float)
    rows = [[1 + (row * 64 + token) % 500 for token in range(64)] for row in range(4)]
    ids, mask = pad(rows, 0, left=False, device=loaded.device)
    read = partial(loaded.architecture.decoder, input_ids=ids, attention_mask=mask, use_cache=False)
    reuse = Reuse(loaded.model, loaded.architecture)
    with torch.inference_mode():
        for layer in range(layers):
            clocked(seconds, WHOLE, read)
            with reuse.starting_at(layer, "benchmark"):
                clocked(seconds, REUSED, read)
    return seconds


def report(title: str, seconds: dict[str, float]) -> None:
    """One line: both times, and their ratio."""
    whole, reused = seconds[WHOLE], seconds[REUSED]
    print(f"  {title:<34}{whole:>8.2f} s {reused:>8.2f} s   {reused / whole:>5.2f}x")


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default=str(SMOLLM) if SMOLLM.is_dir() else "petri-1m")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with TemporaryDirectory() as folder:
        probe = scan_of(arguments.model, 2)
        subject = Subject(probe, arguments.model, Path(folder), torch.device("cpu"), trust_remote_code=False)
        layers = len(subject.loaded.architecture.blocks)
        seconds: dict[str, dict[str, float]] = {
            name: defaultdict[str, float](float) for name in (*subject.measurements, "whole trials")
        }
        for measurement in subject.measurements.values():
            measurement.prepare(16, lambda done, total: None)
        for trial in trials(scan_of(arguments.model, layers))[1:]:
            one_trial(subject, trial, seconds)
    around = seconds["whole trials"][AROUND]
    for way in (WHOLE, REUSED):
        seconds["whole trials"][way] = around + sum(seconds[key][way] for key in subject.measurements)
    print(f"{Path(arguments.model).name}: a scan of {layers} layers, {arguments.threads} threads")
    print(f"  {'':<34}{'all layers':>10} {'reused':>10}")
    report("decoder", decoder_alone(subject, layers))
    for key, found in seconds.items():
        report(key, found)


if __name__ == "__main__":
    main()
