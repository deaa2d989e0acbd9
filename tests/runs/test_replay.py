"""Comparing runs by made-up records: what counts as equal, and what is said about the rest."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import catalog
from engine.catalog import registry
from engine.errors import LesionError
from engine.profile import trials
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
        ({"packages": {"torch": "1.0"}}, "torch differs: "),
        ({"packages": {}}, "did not note the versions of "),
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


def test_a_divergence_near_zero_is_compared_by_its_size(tmp_path: Path) -> None:
    small = {**ODD, "kl": 1e-8, "label.kl": 3e-7}
    first, near = made(tmp_path, small), made(tmp_path, {**ODD, "kl": 1.3e-8, "label.kl": 9e-7}, threads=2)
    assert verify(first, near).equal
    assert not verify(first, made(tmp_path, {**ODD, "kl": 1.3e-8, "label.kl": 3e-7})).equal, "bit for bit"
    far = made(tmp_path, {**ODD, "kl": 1e-8, "label.kl": 2e-6}, threads=2)
    assert {each.what for each in verify(first, far).differences} == {"label.kl"}


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
    assert found.allowances == ["1 of 2 sampled texts differ; 1 may, where tokens about as likely flip by rounding"]
    assert [(each.trial, each.what, each.original, each.replayed) for each in found.differences] == [
        (grid[1].key, "trial", "recorded", "missing"),
        (grid[4].key, "trial", "missing", "recorded"),
        (grid[0].key, "status", "ok", "failed"),
        (grid[0].key, "touched", 10, 11),
    ]


def worked(run: Path, **facts: Any) -> Path:
    """The run with these facts about its worker."""
    manifest = read_manifest(run)
    known = {"vectors": "AVX2", "cpu": "znver3", "settings": {}}
    (run / "manifest.json").write_text(json.dumps({**manifest, "workers": {"cpu": {**known, **facts}}}))
    return run


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"vectors": "AVX512"}, "the vector width differs: AVX2 and AVX512"),
        ({"cpu": "znver4"}, "the kind of processor differs: znver3 and znver4"),
        ({"settings": {"MKL_CBWR": "AVX2"}}, "the environment's choice of kernels differs: none and MKL_CBWR=AVX2"),
        ({"gpus": [{"name": "H100", "capability": "9.0"}]}, "the GPU differs: None and H100 9.0"),
    ],
)
def test_what_a_worker_computes_with_is_a_reason(tmp_path: Path, facts: dict[str, Any], says: str) -> None:
    first, second = worked(made(tmp_path, ODD)), worked(made(tmp_path, {**ODD, "kl": 0.1 * 1.00009}), **facts)
    found = verify(first, second)
    assert (found.equal, found.exact_expected, found.reasons) == (True, False, [says])
    assert verify(first, worked(made(tmp_path, ODD))).exact_expected


def test_what_an_earlier_lesion_did_not_note_is_said(tmp_path: Path) -> None:
    first, second = made(tmp_path, ODD), worked(made(tmp_path, {**ODD, "kl": 0.1 * 1.00009}))
    packages = {"torch": "2", "numba": "1", "pillow": "3", "kernels": None}
    for run, noted in ((first, {"torch": "2"}), (second, packages)):
        manifest = read_manifest(run)
        (run / "manifest.json").write_text(json.dumps({**manifest, "packages": noted}))
    found = verify(first, second)
    assert found.equal
    whole = "did not note the processor's vector width and the versions of numba"
    assert found.reasons == [f"an earlier Lesion made {first.name} and {whole}"], "this run shows no pictures"


def test_of_texts_a_tenth_may_differ_where_rounding_does(tmp_path: Path) -> None:
    """Greedy and sampled ones are counted by themselves; metrics made of texts that differ are not compared."""
    writing = {"name": "generation", "limit": 10, "max_new_tokens": 8}
    profile = small_profile(measure=[{**writing}, {**writing, "label": "greedy", "sample": False}])

    def written(threads: int, changed: dict[str, int]) -> Path:
        """A run of two trials, of ten sampled and ten greedy texts each; so many of each kind are other ones."""
        run = create(profile, tmp_path, source=None)
        whole = {**read_manifest(run), **surroundings(), "threads": threads, "models": {}}
        (run / "manifest.json").write_text(json.dumps(whole))
        journal = Journal(run)
        for number, trial in enumerate(trials(profile)[:2]):
            texts = []
            for label in (None, "greedy"):
                other = changed.get(str(label), 0) if number else 0
                for text in text_records(trial, 10):
                    more = "!" if (text.index or 0) < other else ""
                    found = {**text.found, "text": f"{text.text}{more}"}
                    texts.append(replace(text, label=label, found=found))
            metrics = {"distinct_1": 0.5, "greedy.distinct_1": 0.5 + 0.1 * (number and changed.get("greedy", 0) > 0)}
            journal.commit(trial_record(trial, metrics=metrics), texts)
        journal.close()
        return run

    first = written(1, {})
    assert verify(first, written(1, {"greedy": 1})).differences[0].what == "greedy.distinct_1"
    found = verify(first, written(2, {"greedy": 2, "None": 2}))
    assert (found.equal, found.texts) == (True, 40)
    assert found.allowances == [
        f"2 of 20 {kind} texts differ; 2 may, where tokens about as likely flip by rounding"
        for kind in ("greedy", "sampled")
    ]
    found = verify(first, written(2, {"greedy": 3, "None": 2}))
    assert [each.what for each in found.differences] == [f"greedy text {number}" for number in range(3)]
    assert {each.what for each in verify(first, written(2, {"None": 3})).differences} == {
        f"generation text {number}" for number in range(3)
    }


def test_what_other_versions_made_is_compared_as_far_as_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts of another sampler are not; numbers of another measurement are, and do not count; all else does."""
    first = made(tmp_path, {"perplexity": 2.0, "nll": 0.5, "distinct_1": 0.5})
    monkeypatch.setattr(catalog, "SAMPLER_VERSION", catalog.SAMPLER_VERSION + 1)
    second = made(tmp_path, {"perplexity": 2.0, "nll": 0.5, "distinct_1": 0.9})
    journal = (second / "generations.jsonl").read_text()
    (second / "generations.jsonl").write_text(journal.replace('"t0"', '"x"').replace('"t1"', '"y"'))
    found = verify(first, second)
    assert (found.equal, found.trials, found.texts) == (True, 2, 0)
    now = catalog.SAMPLER_VERSION
    other = f"what makes numbers has other versions than in {first.name}"
    assert found.reasons == [f"{other}, of the sampler {now} instead of {now - 1}"]
    assert found.allowances == ["4 sampled texts and the metrics made of them are not compared: the sampler differs"]
    known = catalog.measurements()
    newer = replace(known["perplexity"], version=known["perplexity"].version + 1)
    for module in (catalog, registry):
        monkeypatch.setattr(module, "measurements", lambda: {**known, "perplexity": newer})
    third = made(tmp_path, {"perplexity": 3.0, "nll": 0.5, "distinct_1": 0.5})
    (third / "generations.jsonl").write_text((second / "generations.jsonl").read_text())
    found = verify(second, third)
    assert [each.what for each in found.differences] == ["distinct_1", "distinct_1"]
    within = "of 4 values that other versions made, 2 agree within 0.0001"
    assert found.allowances[0] == f"{within}; the others do not count: 2 of the measurement perplexity"


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
