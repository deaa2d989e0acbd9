"""Comparing runs by made-up records: what counts as equal, and what is said about the rest."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine.errors import LesionError
from engine.runs import create, read_manifest
from engine.runs.journal import Journal
from engine.runs.manifest import surroundings
from engine.runs.replay import verify
from tests.runs.conftest import fill, small_profile, text_records, trial_record

ODD = {"perplexity": math.inf, "nll": math.nan, "kl": 0.1, "narrow.seconds_per_text": 1.0}


def made(folder: Path, metrics: dict[str, Any], artifacts: list[str] | None = None, **manifest: Any) -> Path:
    """A run of two trials with these metrics, and a manifest with these entries."""
    run = create(small_profile(), folder, source=None)
    fill(run, 2, metrics=metrics, **({} if artifacts is None else {"artifacts": artifacts}))
    whole = {**read_manifest(run), **surroundings(), "threads": 1, "models": {}, **manifest}
    (run / "manifest.json").write_text(json.dumps(whole))
    return run


def test_equal_to_the_last_bit(tmp_path: Path) -> None:
    first = made(tmp_path, ODD)
    second = made(tmp_path, {**ODD, "narrow.seconds_per_text": 99.0})
    found = verify(first, second)
    assert (found.equal, found.exact_expected, found.trials, found.texts) == (True, True, 2, 4)
    third = made(tmp_path, {**ODD, "kl": math.nextafter(0.1, 1)})
    found = verify(first, third)
    assert [(each.what, each.original, each.replayed) for each in found.differences] == [
        ("kl", 0.1, math.nextafter(0.1, 1))
    ] * 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"threads": 2}, "the number of threads differs: 1 and 2"),
        ({"machine": "riscv"}, "the architecture differs"),
        ({"processor": "Abacus"}, "the processor differs"),
        ({"packages": {}}, "torch differs"),
        ({"started": [{"at": "", "changed": {"host": "x"}}]}, "was resumed with other software or on another host"),
    ],
)
def test_other_surroundings_allow_a_tolerance(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    first = made(tmp_path, ODD)
    near, far = (
        made(tmp_path, {**ODD, "kl": 0.1 * 1.00009}, **changes),
        made(tmp_path, {**ODD, "kl": 0.10002}, **changes),
    )
    found = verify(first, near)
    assert (found.equal, found.exact_expected) == (True, False)
    assert says in " ".join(found.reasons)
    assert {each.what for each in verify(first, far).differences} == {"kl"}
    broken = made(tmp_path, {**ODD, "perplexity": -math.inf, "nll": 1.0}, **changes)
    assert [each.what for each in verify(first, broken).differences] == ["perplexity", "nll"] * 2


def test_a_gpu_is_not_expected_to_repeat_itself(tmp_path: Path) -> None:
    first, second = made(tmp_path, ODD), create(small_profile(), tmp_path, source=None)
    fill(second, 2, metrics=ODD, device="cuda")
    (second / "manifest.json").write_text((first / "manifest.json").read_text())
    found = verify(first, second)
    assert (found.equal, found.exact_expected) == (True, False)
    assert found.reasons == ["only a CPU repeats itself bit for bit, and the devices were cpu, cuda"]


def test_other_batch_sizes_are_a_reason(tmp_path: Path) -> None:
    first, second = made(tmp_path, ODD), create(small_profile(), tmp_path, source=None)
    fill(second, 2, metrics=ODD, batch={"perplexity": 8})
    (second / "manifest.json").write_text((first / "manifest.json").read_text())
    found = verify(first, second)
    assert (found.equal, found.exact_expected) == (True, False)
    assert found.reasons == ["the batch sizes of 2 trials differ, as memory ran short in one of the runs"]


def test_other_weights_other_texts_and_missing_trials(tmp_path: Path) -> None:
    first = made(tmp_path, ODD, models={"petri-16k": {"digest": "aa"}})
    second = create(small_profile(), tmp_path, source=None)
    manifest = json.loads((first / "manifest.json").read_text())
    (second / "manifest.json").write_text(json.dumps({**manifest, "models": {"petri-16k": {"digest": "bb"}}}))
    grid = fill(second, 1, metrics=ODD, status="failed", touched=11)
    journal = Journal(second)
    journal.commit(trial_record(grid[4]), text_records(grid[4]))
    journal.close()
    (second / "generations.jsonl").write_text((second / "generations.jsonl").read_text().replace('"t1"', '"other"'))
    found = verify(first, second)
    assert found.reasons == ["the weights of petri-16k differ: aa and bb"]
    assert [(each.trial, each.what, each.original, each.replayed) for each in found.differences] == [
        (grid[1].key, "trial", "recorded", "missing"),
        (grid[4].key, "trial", "missing", "recorded"),
        (grid[0].key, "status", "ok", "failed"),
        (grid[0].key, "touched", 10, 11),
        (grid[0].key, "generation text 1", "t1", "other"),
    ]


def test_a_run_without_a_manifest_cannot_be_compared(tmp_path: Path) -> None:
    first, second = made(tmp_path, ODD), made(tmp_path, ODD)
    (second / "manifest.json").write_text("{")
    with pytest.raises(LesionError, match=r"manifest\.json is damaged"):
        verify(first, second)


def test_artifacts_are_compared_where_equal_bits_are_expected(tmp_path: Path) -> None:
    names = ["artifacts/a-gains.json", "artifacts/a-ranking-magnitude.csv"]
    runs = [made(tmp_path, ODD, artifacts=names) for _ in range(3)]
    runs.append(made(tmp_path, ODD, artifacts=names[:1]))
    runs.append(made(tmp_path, ODD, threads=2, artifacts=names))
    for run, content in zip(runs, "aaba", strict=False):
        for name in names:
            (run / name).parent.mkdir(exist_ok=True)
            (run / name).write_text(content)
    (runs[2] / names[0]).unlink()
    first, same, other, fewer, elsewhere = runs
    assert verify(first, same).equal
    found = [(each.what, each.replayed) for each in verify(first, other).differences]
    assert len(found) == 4
    assert found[0] == (names[0], "unreadable: No such file or directory")
    assert found[1][0] == names[1]
    assert {each.what for each in verify(first, fewer).differences} == {"artifacts"}
    assert verify(first, elsewhere).equal
    assert verify(first, made(tmp_path, ODD)).equal, "a record without the key says nothing about artifacts"
