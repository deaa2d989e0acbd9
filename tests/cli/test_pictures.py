"""A picture described by a tiny image-text model, from the command line to the replay."""

import json
from pathlib import Path

from engine import runs
from tests import seeing
from tests.cli.conftest import Lesion

PROFILE = """
name = "described"

[model]
names = ["{model}"]
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["mlp_only"]
levels = [0.0, 0.8]

[[measure]]
name = "generation"
image = "drawing.png"
prompts = ["What do you see?", "Describe it."]
max_new_tokens = 6
sample = false

[[measure]]
name = "perplexity"
text = "english"
documents = 1
context = 64

[run]
threads = 1
"""


def test_a_picture_from_profile_to_replay(lesion: Lesion, seeing_models: dict[str, Path], tmp_path: Path) -> None:
    seeing.picture().save(tmp_path / "drawing.png")
    path = tmp_path / "described.toml"
    path.write_text(PROFILE.format(model=seeing_models["gemma3"]))
    planned = lesion("plan", path, "--json")
    assert planned.returncode == 0, planned.stderr
    done = lesion("run", path, "--results", tmp_path / "results", "--json")
    assert done.returncode == 0, done.stderr
    run = Path(json.loads(done.stdout)["run"])
    (tmp_path / "drawing.png").unlink()
    assert (run / "inputs" / "drawing.png").is_file()
    baseline, same, damaged = runs.read_trials(run)
    assert same.metrics["perplexity"] == baseline.metrics["perplexity"] != damaged.metrics["perplexity"]
    texts = runs.read_generations(run)
    assert {(text.found["image"], text.found["image_tokens"]) for text in texts} == {("drawing.png", 4)}
    told = [[text.text for text in texts if text.trial == record.trial] for record in (baseline, same)]
    assert told[0] == told[1]
    replayed = lesion("replay", run, "--verify", "--results", tmp_path / "results")
    assert replayed.returncode == 0, replayed.stderr


def test_models_that_only_read_are_refused_by_the_plan(
    lesion: Lesion, tiny_models: dict[str, Path], tmp_path: Path
) -> None:
    for file in tiny_models["llama"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "processor_config.json").write_text("{}")  # it passes for one that sees until its config is read
    path = tmp_path / "blind.toml"
    path.write_text(PROFILE.format(model=tmp_path).replace("drawing.png", "garden"))
    planned = lesion("plan", path, "--json")
    assert "takes no pictures: it reads text only" in planned.stdout
    done = lesion("run", path, "--results", tmp_path / "results")
    assert done.returncode == 1
    records = runs.read_trials(runs.find("last", tmp_path / "results"))
    assert len(records) == 3
    assert all("takes no pictures" in (record.error or "") for record in records)
