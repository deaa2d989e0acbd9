"""The run that ships in results/samples, repeated on this host."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from engine import runs
from engine.profile import trials

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "results" / "samples"


def test_two_of_its_trials_are_repeated(folder: Path, tmp_path: Path) -> None:
    """A baseline and one damaged model, from where the model is now, compared by the real command."""
    [sample] = SAMPLES.iterdir()
    short = tmp_path / "results" / sample.name
    shutil.copytree(sample, short, ignore=shutil.ignore_patterns(".*"))
    whole = (short / "profile.toml").read_text()
    second = whole.index("[[damage]]", whole.index("[[damage]]") + 1)
    one = whole[:second] + whole[whole.index("[seeds]") :]
    one = re.sub(r"levels = .*", "levels = [0.7]", one).replace("count = 2", "count = 1")
    (short / "profile.toml").write_text(one)
    kept = {key for trial in trials(runs.read_profile(short), short, [{}]) for key in trial.keys}
    for name in ("trials.jsonl", "generations.jsonl"):
        lines = (short / name).read_text().splitlines(keepends=True)
        (short / name).write_text("".join(line for line in lines if json.loads(line)["trial"] in kept))
    assert [record.level for record in runs.read_trials(short)] == [None, 0.7]
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "replay",
        str(short),
        "--verify",
        "--results",
        str(tmp_path / "results"),
    ]
    missing = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert missing.returncode == 2
    assert (
        "say where it is with --model smollm2-135m-instruct=PATH; `make real-model` fetches this one" in missing.stderr
    )
    command += ["--model", f"smollm2-135m-instruct={folder}"]
    again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert again.returncode == 0, again.stderr
    assert "2 trials and 16 texts compared" in again.stderr
