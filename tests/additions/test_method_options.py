"""The options of a method reach it, whatever it acts on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.additions.conftest import lesion

CODE = """
from contextlib import contextmanager
from pydantic import Field
from engine.catalog import *
from engine.profile import OptionsTable


class Options(OptionsTable):
    value: float = Field(0.0, ge=-9, le=9, description="what weights become")


LEVEL = LevelInfo("r", "a share", low=0.0, high=1.0, neutral=0.0)


def one_by_one(piece, level, draws, value):
    for chunk in piece.chunks():
        chunk.view.fill_(value)


def together(pieces, level, draws, value):
    for piece in pieces:
        one_by_one(piece, level, draws, value)


def selected(pieces, selection, value):
    for piece in pieces:
        for chunk, chosen in zip(piece.chunks(), selection.masks(piece)):
            chunk.view.masked_fill_(chosen, value)
    return 1


@contextmanager
def passed_by(architecture, group, layers, level, draws, value):
    exits = [architecture.mlp(layer).exit for layer in layers]
    before = [exit.forward for exit in exits]
    for exit in exits:
        exit.forward = lambda hidden, exit=exit, plain=exit.forward: plain(hidden) * 0 + value
    yield layers
    for exit in exits:
        del exit.forward


def method(name, acts_on, implementation):
    rest = dict(options="odd:Options", acts_on=acts_on, elementwise=False)
    return MethodInfo(name, "", LEVEL, False, f"odd:{implementation}", **rest)


ADDITIONS = Additions(methods=(
    method("fill_each", "slice", "one_by_one"),
    method("fill_all", "group", "together"),
    method("fill_selected", "selection", "selected"),
    method("fill_blocks", "blocks", "passed_by"),
))
"""


@pytest.mark.parametrize(
    ("method", "select"),
    [
        ("fill_each", ""),
        ("fill_all", ""),
        ("fill_selected", 'select = { by = "random", k = 1000 }'),
        ("fill_blocks", ""),
    ],
)
def test_an_option_changes_what_a_method_of_any_kind_does(
    package: Callable[[str], Path], tmp_path: Path, method: str, select: str
) -> None:
    damage = f'[[damage]]\nmethod = "{method}"\ngroups = ["mlp_only"]\nlevels = [1.0]\n{select}\n'
    profile = tmp_path / "p.toml"
    profile.write_text(
        f'name = "p"\n[model]\nnames = ["petri-4k"]\n{damage}{damage}options = {{ value = 3.0 }}\n'
        '[[measure]]\nname = "perplexity"\ndocuments = 1\n'
    )
    done = lesion("run", str(profile), "--results", str(tmp_path / "results"), sites=(package(CODE),))
    assert done.returncode == 0, done.stderr
    [run] = (tmp_path / "results").iterdir()
    _, zero, three = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert zero["metrics"]["nll"] != three["metrics"]["nll"]
