"""Files of every format with anything in any place: a run that every command can read, or one sentence and no run."""

import copy
import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from engine import analysis, runs
from engine.analysis.shapes import SHAPES, shaped
from engine.errors import LesionError
from engine.runs.importing import bring_in
from tests.importing import study, test_critical_weights, test_degradation, test_surveys

ODD: list[Any] = [None, True, -1, 2.5, "", "x", "nan", [], {}, [1, "a"], {"a": 1}, float("nan"), float("inf"), 10**400]
ODD += [1e308, "\x1b[31m", [[]], {"record": {}}, "a" * 10_000, -(2**70), "\ud800", "../../x"]
Made = TypeVar("Made")
CUTS = ("", "x", '"', "\n", ",", "nan", "\0", "\x1b")


def changed(value: Any, draw: random.Random, share: float) -> Any:
    """A JSON value in which a share of all values is another one, or gone."""
    if draw.random() < share:
        return copy.deepcopy(draw.choice(ODD))
    if isinstance(value, dict):
        kept = {key: changed(one, draw, share) for key, one in value.items() if draw.random() >= share / 2}
        return kept | ({"lesion": copy.deepcopy(draw.choice(ODD))} if draw.random() < share else {})
    return [changed(one, draw, share) for one in value] if isinstance(value, list) else value


def damage(path: Path, draw: random.Random, share: float) -> None:
    text = path.read_text()
    if path.suffix == ".csv":
        at = draw.randrange(len(text))
        path.write_text(text[:at] + draw.choice(CUTS) + text[at + draw.randrange(3) :])
    elif path.suffix == ".jsonl":
        path.write_text(
            "".join(json.dumps(changed(json.loads(line), draw, share)) + "\n" for line in text.splitlines())
        )
    else:
        path.write_text(json.dumps(changed(json.loads(text), draw, share)))


def survey(root: Path) -> Path:
    (root / "survey.json").write_text(json.dumps(test_surveys.CLEAN))
    return root / "survey.json"


def texts(root: Path) -> Path:
    return test_degradation.write(root, test_degradation.RECORDS)


def critical(root: Path) -> Path:
    return test_critical_weights.analysed(root / "critical")


def ranking(root: Path) -> Path:
    return test_critical_weights.ranking(root / "ranking")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("make", [study.mechanism, study.healing, survey, texts, critical, ranking])
def test_anything_anywhere(make: Callable[[Path], Path], seed: int, tmp_path: Path) -> None:
    draw = random.Random(f"{make.__name__} {seed}")
    path, results = make(tmp_path), tmp_path / "results"
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for file in draw.sample(files, min(len(files), 3)):
        damage(file, draw, share=0.03)
    made, sentence = tried(lambda: bring_in([path], results).runs)
    assert "\n" not in sentence
    if made is None:
        assert not results.exists() or not list(results.iterdir())
    for one in made or ():
        assert runs.summary(one.run).fault is None
        assert len(analysis.rows(one.run)) == one.trials
        assert len(runs.read_generations(one.run)) == one.texts
        for name in SHAPES:
            assert "\n" not in tried(partial(shaped, one.run, name))[1]


def tried(what: Callable[[], Made]) -> tuple[Made | None, str]:
    """What comes of it, or None and the sentence."""
    try:
        return what(), ""
    except LesionError as error:
        return None, str(error)
