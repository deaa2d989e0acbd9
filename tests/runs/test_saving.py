"""Saving a trial's model: loaded by transformers, and by peft, it computes what the trial did, to the last bit."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine import profile as profiles
from engine.errors import LesionError
from engine.profile.packs import packs
from engine.record.trials import TrialRecord
from engine.runs import create, find_trial, read_trials, start, status
from engine.runs.saving import save
from engine.work.subject import Subject

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft asks for it

ROOT = Path(__file__).parents[2]
TRAINED = "learning_rate = 1e-2, length = 16, watch_every = 0, watch_documents = 1"
LORA = f"options = {{ {TRAINED}, trainable = 'lora', lora_rank = 2 }}"
NOISE = '{ method = "mult_gauss", groups = ["all"], levels = [0.3] }'
ATTACK = f'{{ method = "random_text", groups = ["attn_all"], levels = [3], {LORA} }}'


def damage(method: str, group: str, levels: str, more: str = "") -> str:
    return f'[[damage]]\nmethod = "{method}"\ngroups = ["{group}"]\nlevels = [{levels}]\n{more}\n'


DAMAGES = (
    damage("mult_gauss", "attn_only", "0.5"),
    damage("uni_quant", "mlp_only", "16"),
    damage("bit_flips", "all", "40"),
    damage("mask", "attn_all", "0.5", 'select = { by = "top_k", k = 40, score = "grad_x_weight", documents = 1 }'),
    damage("random_text", "all", "0, 3, 6", f"options = {{ {TRAINED} }}"),
    damage("heal", "mlp_only", "0, 4", f"before = [{NOISE}, {ATTACK}]\n{LORA}"),
    damage("random_text", "mlp_only", "2", f"then = [{NOISE}]\n{LORA}"),
    damage("skip", "mlp_only", "0.6"),
)


def written(folder: Path, damages: str, names: list[str], model: str = "") -> Path:
    path = folder / "p.toml"
    path.write_text(
        f'name = "p"\n[model]\nnames = {json.dumps(names)}\ndevice = "cpu"\n{model}\n{damages}\n'
        '[[measure]]\nname = "perplexity"\ntext = "petri"\ndocuments = 2\n[run]\nthreads = 1\n'
    )
    return path


def run(folder: Path, *where: Any) -> Path:
    made = create(profiles.load(written(folder, *where)), folder / "results", source=None)
    start(made).wait()
    found = status(made)
    assert found.ok == found.total, found
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("made"), "".join(DAMAGES), ["petri-4k"])


@pytest.fixture(scope="module")
def saved(made: Path) -> Callable[..., Path]:
    """The folder of the trial with this method, and level, saved once."""
    folders: dict[str, Path] = {}

    def of(method: str, level: float, *, then: bool = False) -> Path:
        record = one(made, method, level, then=then)
        if record.trial not in folders:
            folders[record.trial] = save(made, record.trial[:9], made.parent / "saved" / record.trial).folder
        return folders[record.trial]

    return of


def one(made: Path, method: str, level: float, *, then: bool = False) -> TrialRecord:
    [found] = [
        record
        for record in read_trials(made)
        if (record.method, record.level, bool(record.then)) == (method, level, then)
    ]
    return found


@torch.no_grad()
def logits(model: Any) -> Tensor:
    ids = torch.arange(3, 60, device=next(model.parameters()).device).unsqueeze(0)
    return torch.as_tensor(model(input_ids=ids, use_cache=False).logits)


def of_trial(made: Path, record: TrialRecord) -> Tensor:
    """What the model of a trial computes while it is damaged in memory."""
    torch.set_num_threads(1)
    profile = profiles.load(made / "profile.toml")
    walk = next(
        pack.trials for pack in packs(profiles.trials(profile, made)) if record.trial in {t.key for t in pack.trials}
    )
    subject = Subject(profile, record.model, made, torch.device("cpu"), trust_remote_code=False, measured=False)
    steps = subject.damage(walk, (record.batch or {}).get(record.method, 1))
    for trial in walk:
        next(steps)
        if trial.key == record.trial:
            return logits(subject.loaded.model)
    raise AssertionError


def numbers(record: TrialRecord) -> list[float]:
    return [record.metrics[name] for name in ("nll", "token_accuracy")]


def with_adapters(folder: Path, base: Any) -> Any:
    """As the card says."""
    model: Any = PeftModel.from_pretrained(base, str(folder / "adapter"), autocast_adapter_dtype=False)
    if (folder / "adapter-2").exists():
        model.load_adapter(str(folder / "adapter-2"), "adapter-2", autocast_adapter_dtype=False)
        model.base_model.set_adapter(["default", "adapter-2"])
    return model


FLOATS = [("mult_gauss", 0.5), ("uni_quant", 16.0), ("bit_flips", 40.0), ("mask", 0.5), ("random_text", 3.0)]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "level"), FLOATS)
def test_it_has_the_logits_of_the_trial(method: str, level: float, made: Path, saved: Callable[..., Path]) -> None:
    model = AutoModelForCausalLM.from_pretrained(saved(method, level))
    assert torch.equal(logits(model), of_trial(made, one(made, method, level)))


@pytest.mark.slow
def test_measured_anew_it_has_the_numbers_of_the_trial(made: Path, saved: Callable[..., Path], tmp_path: Path) -> None:
    """And its tokenizer reads texts alike."""
    folders = [str(saved(method, level)) for method, level in FLOATS]
    anew = run(tmp_path, '[[damage]]\nmethod = "none"', folders)
    again = {record.model: numbers(record) for record in read_trials(anew)}
    assert [again[folder] for folder in folders] == [numbers(one(made, *which)) for which in FLOATS]
    bundled = ROOT / "engine/petri/weights/petri-4k"
    ours, theirs = (AutoTokenizer.from_pretrained(place) for place in (folders[0], bundled))
    assert (ours.get_vocab(), ours.pad_token) == (theirs.get_vocab(), theirs.pad_token)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "level", "then", "sets"),
    [("heal", 4.0, False, 2), ("heal", 0.0, False, 1), ("random_text", 2.0, True, 1)],
)
def test_adapters_lie_beside_the_model_as_peft_reads_them(
    method: str, level: float, then: bool, sets: int, made: Path, saved: Callable[..., Path]
) -> None:
    """No step of healing leaves its adapters as they began, and they are not saved."""
    folder, record = saved(method, level, then=then), one(made, method, level, then=then)
    assert len(list(folder.glob("adapter*"))) == sets
    assert not (folder / "config.json").exists()  # nobody takes the model without them for the trial's
    base = AutoModelForCausalLM.from_pretrained(folder / "base")
    alone = logits(base)
    expected = of_trial(made, record)
    assert torch.equal(logits(with_adapters(folder, base)), expected)
    assert not torch.equal(alone, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load_in", "damages"),
    [
        ("8bit", damage("mult_gauss", "mlp_only", "0.5")),
        ("4bit", damage("random_text", "mlp_only", "2", f"before = [{NOISE.replace('all', 'mlp_only')}]\n{LORA}")),
    ],
)
def test_codes_stay_the_codes_they_are(load_in: str, damages: str, tmp_path: Path) -> None:
    from engine.weights.packed import unchanging

    packed = run(tmp_path, damages, ["petri-250k"], f'load_in = "{load_in}"')
    record = read_trials(packed)[-1]
    folder = save(packed, str(record.index), tmp_path / "saved").folder
    adapted = (folder / "base").exists()
    model = AutoModelForCausalLM.from_pretrained(folder / "base" if adapted else folder)
    unchanging(model)
    assert model.config.quantization_config.quant_method == "bitsandbytes"
    assert torch.equal(logits(with_adapters(folder, model) if adapted else model), of_trial(packed, record))


@pytest.mark.slow
def test_the_card_says_what_was_done_and_measured(made: Path, saved: Callable[..., Path]) -> None:
    record = one(made, "mult_gauss", 0.5)
    card = (saved("mult_gauss", 0.5) / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n")
    digest = json.loads((made / "manifest.json").read_text())["models"]["petri-4k"]["digest"]
    for part in ("`mult_gauss`, σ = 0.5", "`attn_only`", "| seed | 42 |", f"Trial `{record.trial}`", digest):
        assert part in card, part
    undamaged = read_trials(made)[0].metrics["nll"]
    assert f"| `nll` (nats/token) | {undamaged:.6g} | {record.metrics['nll']:.6g} |" in card
    assert f"| torch | {torch.__version__} | {torch.__version__} |" in card
    code = card.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code.replace("FOLDER", str(saved("mult_gauss", 0.5))), names)  # it does what it says
    assert torch.equal(logits(names["model"]), of_trial(made, record))
    assert (saved("mult_gauss", 0.5) / "model.safetensors").stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "app.cli", *map(str, arguments)]


def lesion(*arguments: str | Path, **how: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, **how)


@pytest.mark.slow
def test_what_cannot_be_saved_is_refused_in_one_sentence(made: Path, tmp_path: Path) -> None:
    folder, full, file = tmp_path / "new", tmp_path / "full", tmp_path / "file"
    (full / "something").mkdir(parents=True)
    file.write_text("kept")
    noise = one(made, "mult_gauss", 0.5).trial
    for trial, place, clause in (
        (one(made, "skip", 0.6).trial, folder, "skip acts on what blocks compute and changes no weight"),
        (noise, full, f"{full} has something in it: give a folder that is empty, or not there yet"),
        (noise, file, f"{file} is a file"),
        ("99", folder, "has no trial '99'"),
        ("", folder, "has no trial ''"),
    ):
        done = lesion("save", made, trial, "-o", place)
        assert done.returncode == 2, done
        assert clause in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not folder.exists()
    assert [path.name for path in full.iterdir()] == ["something"]
    assert file.read_text() == "kept"


def test_a_trial_is_found_by_key_by_part_and_by_index(made: Path) -> None:
    records = read_trials(made)
    for record in records:
        assert find_trial(made, record.trial) == find_trial(made, str(record.index)) == record
        assert find_trial(made, record.trial[3:]) == record
    with pytest.raises(LesionError, match=r"fits \d+ trials of .*; give more of the key"):
        find_trial(made, "a")


@pytest.mark.slow
def test_a_full_disk_and_a_change_of_mind_leave_nothing(made: Path, tmp_path: Path) -> None:
    trial = one(made, "mult_gauss", 0.5).trial
    limit = 40_000  # bytes of a file; the weights are longer
    done = lesion(
        *("save", made, trial, "-o", tmp_path / "full"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2
    assert done.stderr.endswith("petri-4k cannot be saved, disk full: free space, or give a folder on another disk\n")
    assert list(tmp_path.iterdir()) == []

    process = subprocess.Popen(command("save", made, trial, "-o", tmp_path / "new"), cwd=ROOT)
    while not list(tmp_path.iterdir()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert list(tmp_path.iterdir()) == []
