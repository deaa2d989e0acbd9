"""Lesion from Python: what `import engine` offers, on the smallest bundled model."""

import doctest
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import engine
from engine import api, profile, runs
from engine.errors import LesionError
from engine.record.events import TrialEvent
from tests.own_code import save_own
from tests.runs.conftest import told

TABLES: dict[str, Any] = {
    "name": "from-python",
    "model": {"names": ("petri-4k",), "device": "cpu"},
    "damage": [{"method": "ablation", "groups": ["mlp_only"], "levels": [0, 1]}],
    "measure": [{"name": "perplexity", "documents": 2}],
    "run": {"threads": 1},
}

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> engine.Run:
    return engine.run(TABLES, results=tmp_path_factory.mktemp("results"))


def test_the_documented_example_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very lines of the docstring of `engine.run`."""
    (tmp_path / "profile.toml").write_text(profile.to_toml(profile.parse(TABLES, "test", tmp_path)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LESION_RESULTS", str(tmp_path / "results"))
    [example] = doctest.DocTestFinder(recurse=False).find(engine.run, "run", module=api)
    assert len(example.examples) == 4
    assert doctest.DocTestRunner().run(example).failed == 0
    [made] = (tmp_path / "results").iterdir()
    assert json.loads((made / "manifest.json").read_text())["source"] == "profile.toml"


def test_a_run_tells_what_it_found(done: engine.Run) -> None:
    assert (done.status().state, done.status().ok) == ("done", 3)
    frame = done.table()
    assert isinstance(frame, pd.DataFrame)
    baseline, spared, removed = frame["perplexity"]
    assert spared == baseline
    assert removed > baseline
    assert frame["perplexity_change_pct"].tolist() == [0.0, 0.0, (removed - baseline) / baseline * 100]
    assert [trial["change_pct"]["perplexity"] for trial in done.trials()] == frame["perplexity_change_pct"].tolist()
    assert done.generations() == []
    assert done.profile().run.threads == 1
    assert done.warnings() == []


def test_a_run_is_opened_by_path_name_or_as_the_last(done: engine.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = done.path.parent
    assert engine.open_run(done.path) == done
    assert engine.open_run(done.path.name[-4:], results=folder) == done
    monkeypatch.setenv("LESION_RESULTS", str(folder))
    assert engine.open_run("last").table().equals(done.table())
    before = (done.path / "trials.jsonl").read_bytes()
    assert engine.open_run("last").resume() == done
    assert (done.path / "trials.jsonl").read_bytes() == before
    with pytest.raises(LesionError, match="there is no run 'nowhere'"):
        engine.open_run("nowhere")


def test_keys_are_overridden(tmp_path: Path) -> None:
    """Through a Profile, with values of every kind that a table takes; what may surprise is a warning."""
    given = profile.parse(TABLES, "test", tmp_path)
    damage = [{"method": "uni_quant", "groups": ["mlp_only"], "levels": {"from": 4, "to": 2, "steps": 2}}]
    changes = {"name": "other", "damage": damage, "seeds.count": 2, "measure.0.label": "first"}
    with pytest.warns(UserWarning, match="uni_quant draws nothing and nothing is sampled"):
        run = engine.run(given, set=changes, results=tmp_path, device="cpu")
    assert run.path.name[14:-5] == "other"
    assert run.table()["level"].tolist()[1:] == [4.0, 2.0, 4.0, 2.0]
    assert "first.perplexity" in run.table()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seeds.count": 0}, r"seeds\.count: must be at least 1, not 0"),
        ({"seeds.county": 1}, r"seeds\.county: there is no such key; did you mean 'count'"),
        ({"model.device": object()}, r"set model\.device: <object .* cannot stand in a profile; give text"),
        ({"damage.7.method": "scale"}, "there is no entry '7' in that list"),
        ({"seeds.count": 10**5000}, r"set seeds\.count: a whole number of 16,610 bits; 64 are accepted"),
        ({"seeds.count": None}, r"set seeds\.count: None cannot stand in a profile"),
        ({"model.names": CIRCLE}, r"set model\.names: there are more than 50 tables and lists within one another"),
        ([1], "set takes a dict of dotted keys, .*, not of type list"),
    ],
)
def test_a_mistake_is_one_sentence_and_makes_no_run(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(LesionError, match=says):
        engine.run(TABLES, set=changes, results=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        (None, "a profile is a file, a name, a dict or a Profile, not of type NoneType"),
        (b"demo", "not of type bytes"),
        ("dmo", "there is no profile 'dmo', .*did you mean 'demo'"),
        ("\0", "there is no profile"),
        ({**TABLES, "name": b"x"}, "the profile, name: b'x' cannot stand in a profile"),
        ({**TABLES, "model": {"names": CIRCLE}}, "the profile, model, names: there are more than 50 tables and lists"),
    ],
)
def test_what_is_no_profile_is_one_sentence(tmp_path: Path, profile: Any, says: str) -> None:
    with pytest.raises(LesionError, match=says):
        engine.run(profile, results=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_profile_that_comes_with_lesion_is_run_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = {"model.names": ["petri-4k"], "damage": TABLES["damage"], "measure": TABLES["measure"], "seeds.count": 1}
    assert engine.run("demo", set=small, results=tmp_path).status().state == "done"


@pytest.mark.parametrize("path", [None, 5, b"x"])
def test_what_is_no_run_is_one_sentence(tmp_path: Path, path: Any) -> None:
    with pytest.raises(LesionError, match="a run is a directory, a part of its name or 'last', not of type"):
        engine.open_run(path, results=tmp_path)


def test_a_run_that_cannot_go_on_says_why(tmp_path: Path) -> None:
    run = runs.create(profile.parse(TABLES, "test", tmp_path), tmp_path, source=None)
    manifest = json.loads((run / "manifest.json").read_text())
    other = {"petri-4k": {"digest": "of other weights", "dtype": "float32"}}
    (run / "manifest.json").write_text(json.dumps({**manifest, "models": other}))
    with pytest.raises(LesionError, match=rf"run {run.name} failed: the weights of model petri-4k are not those"):
        engine.open_run(run).resume()


def test_code_of_a_model_runs_where_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the survey, which `fit` asks for, to the last trial."""
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))  # where transformers copies such code to
    mark, results = tmp_path / "ran", tmp_path / "results"
    own = save_own(tmp_path / "own", mark)
    tables = TABLES | {"model": {"names": [str(own)], "device": "cpu", "fit": True}}
    with pytest.raises(LesionError, match="brings program code of its own, which runs only with --trust-remote-code"):
        engine.run(tables, results=results)
    assert not mark.exists()
    run = engine.run(tables, results=results, trust_remote_code=True)
    assert mark.exists()
    assert set(run.table()["status"]) == {"ok"}


def test_ctrl_c_ends_after_the_trial_at_hand_and_resume_goes_on(tmp_path: Path) -> None:
    code = f"""
        import signal
        import engine
        signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background, it is ignored
        tables = {TABLES | {"seeds": {"count": 60}, "measure": [{"name": "generation", "limit": 8}]}!r}
        print("begun", flush=True)
        try:
            engine.run(tables, results={str(tmp_path)!r})
        except KeyboardInterrupt:
            print("interrupted")
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    run = until_some_trials(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == "interrupted\n"
    assert run.status().state == "stopped"
    assert 0 < run.status().done < 180
    begun = [event.trial for event in told(run.path, TrialEvent) if event.phase == "begin"]
    assert [trial["trial"] for trial in run.trials()] == begun  # what was begun was finished


def until_some_trials(folder: Path) -> engine.Run:
    import time

    while not (made := list(folder.iterdir())) or not engine.Run(made[0]).trials():
        time.sleep(0.05)
    return engine.Run(made[0])


def test_importing_the_engine_loads_next_to_nothing() -> None:
    code = (
        "import sys, engine; print([n for n in ('torch', 'pydantic', 'pandas') if n in sys.modules]);"
        "engine.run, engine.open_run, engine.Run, engine.LesionError;"
        "print([n for n in ('torch', 'transformers', 'pandas', 'app') if n in sys.modules]);"
        "print(hasattr(engine, 'nothing'), {'run', 'open_run'} <= set(dir(engine)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["[]", "[]", "False True"]


def test_types_are_exported() -> None:
    assert (Path(engine.__file__).parent / "py.typed").is_file()
