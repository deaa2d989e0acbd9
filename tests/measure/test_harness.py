"""lm-evaluation-harness on the loaded, damaged model, against our own measurement of the same questions."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("lm_eval", reason="lm-evaluation-harness, the extra lesion-lab[tasks], is not installed")

from engine.errors import LesionError
from engine.measure.lm_eval.run import Harness, _check_known, _wrapped
from engine.measure.lm_eval.table import HarnessMeasure
from engine.measure.measurement import Measured
from engine.measure.tasks.choices import choices
from engine.measure.tasks.run import Tasks
from engine.measure.tasks.table import TasksMeasure
from engine.methods import apply
from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.weights.snapshot import Snapshot, digest
from tests.harness_tasks import write_task
from tests.models.variants import opened


@pytest.fixture(scope="module")
def petri() -> LoadedModel:
    return load(ModelSpec(names=("petri-60k",)), "petri-60k", torch.device("cpu"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_task(tmp_path_factory.mktemp("tasks"))


def harness(loaded: LoadedModel, folder: Path, **options: Any) -> Harness:
    given: dict[str, Any] = {"tasks": ("petri_world",), "include_path": str(folder)}
    return Harness(HarnessMeasure(**given | options), loaded, Path())


def run(measurement: Harness, seed: int = 0, batch_size: int = 16) -> Measured:
    return measurement.run(seed, batch_size, lambda done, total: None)


def test_agrees_with_our_own_tasks_on_the_same_damaged_model(petri: LoadedModel, folder: Path) -> None:
    ours, theirs = Tasks(TasksMeasure(task="petri"), petri, Path()), harness(petri, folder)
    slices = petri.architecture.slices("mlp_only")
    before, keep, found = digest(petri.model), Snapshot(slices), []
    for level in (0.0, 0.4, 0.8, 1.2):
        apply("mult_gauss", slices, level, 3, {}, None)
        expected = ours.run(0, 16, lambda *_: None).metrics
        measured = run(theirs)
        keep.restore()
        assert measured.metrics == pytest.approx(
            {"petri_world_acc": expected["accuracy"], "petri_world_acc_norm": expected["accuracy_normalised"]}
        )
        found.append(expected["accuracy"])
        assert measured.artifact is not None
        details = measured.artifact["tasks"]["petri_world"]
        assert (details["version"], details["few_shot"], details["documents"]) == (1.0, 0, 50)
        by_hand = math.sqrt(expected["accuracy"] * (1 - expected["accuracy"]) / 49)
        assert details["stderr"]["acc"] == pytest.approx(by_hand)
    assert len(set(found)) > 1
    assert digest(petri.model) == before


@pytest.mark.parametrize("variant", ["petri", "Gemma 2"])
def test_log_likelihoods_are_float64_from_the_logits_on(variant: str, petri: LoadedModel) -> None:
    from lm_eval.api.instance import Instance

    loaded = petri if variant == "petri" else opened(variant)
    question, choice = "the cat sees", " the dog"
    request = Instance(request_type="loglikelihood", doc={}, arguments=(question, choice), idx=0)
    model = _wrapped(loaded)
    model.report = lambda done, total: None
    [(found, _)] = model.loglikelihood([request])
    ids = loaded.tokenizer(question + choice)["input_ids"]
    with torch.no_grad():
        logits = loaded.model(input_ids=torch.tensor([ids[:-1]])).logits[0].double()
    start = len(loaded.tokenizer(question)["input_ids"])
    expected = torch.log_softmax(logits, -1)[range(start - 1, len(ids) - 1), ids[start:]].sum()
    assert found == pytest.approx(float(expected), rel=1e-13)


def test_limit_and_batch_size(petri: LoadedModel, folder: Path) -> None:
    asked = choices(TasksMeasure(task="petri", limit=5), Path())
    assert len(asked) == 5
    expected = Tasks(TasksMeasure(task="petri", limit=5), petri, Path()).run(0, 4, lambda *_: None).metrics
    limited = harness(petri, folder, limit=5)
    for batch_size in (1, 7):
        assert run(limited, batch_size=batch_size).metrics["petri_world_acc"] == pytest.approx(expected["accuracy"])


def test_examples_follow_the_seed_and_nothing_else(petri: LoadedModel, folder: Path) -> None:
    """Few-shot examples are drawn for every question: the log-likelihoods tell which ones were."""
    measured = harness(petri, folder, num_fewshot=2, limit=4)

    def prompts(seed: int) -> list[str]:
        run(measured, seed)
        [task] = measured._tasks["tasks"].values()
        return [instance.args[0] for instance in task.instances]

    first = prompts(1)
    assert prompts(2) != first
    torch.manual_seed(99)
    assert prompts(1) == first
    assert all(prompt.count("\n\n") == 2 for prompt in first)


def test_mistakes_are_sentences(petri: LoadedModel, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LesionError, match="no task 'petri_word', and no file of include_path defines it; did you mean"):
        _check_known(("petri_world", "petri_word"), ["petri_world"])
    write_task(tmp_path)
    (tmp_path / "questions.jsonl").unlink()
    with pytest.raises(LesionError, match="the tasks petri_world of lm_eval cannot be loaded"):
        harness(petri, tmp_path)
    with pytest.raises(LesionError, match="chat = true, but the model has no chat template"):
        harness(petri, folder, chat=True)


def test_names_of_metrics_are_plain(petri: LoadedModel, tmp_path: Path) -> None:
    write_task(tmp_path, name="petri.world-2")
    measured = run(harness(petri, tmp_path, tasks=("petri.world-2",), limit=2))
    assert set(measured.metrics) == {"petri_world_2_acc", "petri_world_2_acc_norm"}
    assert json.dumps(measured.artifact)


def test_templates_see_nothing_of_python(petri: LoadedModel, tmp_path: Path) -> None:
    """A template that reaches behind its document is refused; one that only fills in is not."""
    write_task(tmp_path)
    file = tmp_path / "task.yaml"
    plain = file.read_text()
    mark = tmp_path / "ran"
    reach = "{{ question.__class__.__mro__[1].__subclasses__() | string }}"
    write = f"{{{{ cycler.__init__.__globals__.os.system('touch {mark}') }}}}"
    for evil in (reach, write):
        file.write_text(plain.replace('"{{question}}"', json.dumps(evil)))
        with pytest.raises(LesionError, match=r"cannot be loaded: .*unsafe"):
            harness(petri, tmp_path)
    assert not mark.exists()
    file.write_text(plain.replace('"{{question}}"', "\"{{question | upper | regex_replace('A', 'B')}}\""))
    assert "petri_world_acc" in run(harness(petri, tmp_path)).metrics
