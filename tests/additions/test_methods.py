"""A method that is given the model: what it is told, what it gives back, and how it meets too little memory."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.additions.conftest import lesion

CODE = '''
"""Names that the terminal reads; the method itself is in another module, which may load torch."""
from pydantic import Field
from engine.catalog import *
from engine.profile import OptionsTable


class NudgeOptions(OptionsTable):
    size: float = Field(0.5, ge=0, le=9, description="of a nudge")
    batch_size: int = Field(8, ge=1, le=99, description="texts taken together")


LEVEL = LevelInfo("n", "how often", low=0.0, high=9.0, integer=True, neutral=0.0)
ADDITIONS = Additions(methods=(
    MethodInfo(
        "nudge", "weights are nudged by the loss of a text", LEVEL, draws=False, implementation="nudging:nudge",
        options="odd:NudgeOptions",
        acts_on="model", elementwise=False,
        metrics=(MetricInfo("nudges", "how many there were", "", None),),
    ),
))
'''
WORK = """
import torch
from engine.methods import Damaged
from engine.measure.measurement import Sheet


def nudge(context):
    if context.batch_size > 2:
        raise torch.OutOfMemoryError("a batch of 2 fits")
    tokens = context.loaded.tokenizer("the baker", return_tensors="pt").input_ids
    with torch.no_grad():
        loss = context.loaded.model(tokens, labels=tokens).loss.item()
        for step in range(int(context.level)):
            context.progress(step + 1, int(context.level))
            for piece in context.slices:
                for chunk in piece.chunks():
                    chunk.view.mul_(1 + context.options["size"])
    module = context.loaded.architecture.mlp(0).exit
    module.marked = True
    context.undo.callback(delattr, module, "marked")
    rows = [(step, context.options["size"]) for step in range(int(context.level))]
    touched = sum(piece.numel for piece in context.slices)
    metrics = {"nudges": context.level, "text_loss": loss}
    return Damaged(touched, metrics, {"steps": rows}, {"": Sheet(("step", "size"), rows)})
"""
PROFILE = """
name = "p"
[model]
names = ["petri-4k"]
[[damage]]
method = "nudge"
groups = ["attn_only"]
levels = [1, 3]
options = { size = 0.25 }
[[measure]]
name = "perplexity"
documents = 2
"""


def run(package: Callable[..., Path], tmp_path: Path, work: str = WORK) -> tuple[Path, list[dict[str, Any]], str]:
    folder = package(CODE)
    (folder / "nudging.py").write_text(work)
    (tmp_path / "p.toml").write_text(PROFILE)
    done = lesion("run", str(tmp_path / "p.toml"), "--results", str(tmp_path / "results"), sites=(folder,))
    assert done.returncode in (0, 1), done.stderr
    [made] = (tmp_path / "results").iterdir()
    return made, [json.loads(line) for line in (made / "trials.jsonl").read_text().splitlines()], done.stderr


def test_what_a_method_gives_back_is_in_the_record_and_in_files(package: Callable[..., Path], tmp_path: Path) -> None:
    made, records, _ = run(package, tmp_path)
    baseline, once, thrice = records
    assert (once["metrics"]["nudges"], thrice["metrics"]["nudges"]) == (1.0, 3.0)
    assert once["metrics"]["text_loss"] == thrice["metrics"]["text_loss"] > 0  # each began with the healthy model
    assert baseline["metrics"].keys() == once["metrics"].keys() - {"nudges", "text_loss"}
    assert once["metrics"]["nll"] != thrice["metrics"]["nll"]
    content, table = thrice["artifacts"]
    assert json.loads((made / content).read_text())["steps"] == [[0, 0.25], [1, 0.25], [2, 0.25]]
    rows = list(csv.reader((made / table).read_text().splitlines()))
    assert rows == [["step", "size"], *([str(step), "0.25"] for step in range(3))]


def test_a_batch_that_does_not_fit_is_halved(package: Callable[..., Path], tmp_path: Path) -> None:
    _, records, said = run(package, tmp_path)
    assert [record["batch"].get("nudge") for record in records] == [None, 2, 2]
    assert "petri-4k: out of memory in nudge, now in batches of 4" in said
    assert "petri-4k: out of memory in nudge, now in batches of 2" in said


def test_two_numbers_of_one_name_are_refused(package: Callable[..., Path], tmp_path: Path) -> None:
    _, records, _ = run(package, tmp_path, work=WORK.replace("text_loss", "nll"))
    assert [record["status"] for record in records] == ["ok", "failed", "failed"]
    assert records[1]["error"].startswith("perplexity has a metric nll and so has the method nudge: give one of them")
