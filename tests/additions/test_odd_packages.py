"""Packages that are wrong: each costs a sentence and what it would have added, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.additions.conftest import lesion, python

INFOS = "from engine.catalog import *\nLEVEL = LevelInfo('c', 'a size', low=0.0, high=1.0)\n"
REPORT = """
import json, sys
from engine import catalog
from engine.catalog import plugins
print(json.dumps([plugins.faults(), sorted(catalog.methods())[:2], "torch" in sys.modules]))
"""


def adds(**kinds: str) -> str:
    given = ", ".join(f"{kind}=({infos},)" for kind, infos in kinds.items())
    return f"{INFOS}ADDITIONS = Additions({given})\n"


def method(name: str, more: str = "") -> str:
    return f"MethodInfo('{name}', '', LEVEL, draws=False, implementation='odd:apply'{more})"


TABLE = """
from typing import Literal
from engine.profile import MeasureTable
class {name}(MeasureTable):
    name: Literal["{says}"] = "{says}"
"""
OPTIONS = """
from engine.profile import OptionsTable
class T(OptionsTable):
    size: float = 0.5
"""
MEASUREMENT = "MeasurementInfo('oddity', '', (MetricInfo('m', '', '', None),), 'odd:M', table='odd:{table}')"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nowhere_to_be_found", r"odd 0.1 adds nothing by odd:ADDITIONS: ModuleNotFoundError: No module named"),
        ("ADDITIONS = (", "odd 0.1 adds nothing by odd:ADDITIONS: SyntaxError: "),
        ("raise SystemExit(3)", "odd 0.1 adds nothing by odd:ADDITIONS: SystemExit: 3"),
        ("OTHER = 1", "odd 0.1 adds nothing by odd:ADDITIONS: AttributeError: "),
        ("ADDITIONS = {'methods': []}", "that is no Additions of engine.catalog, but of type dict"),
        ("import torch\n" + adds(), "it imports torch, which takes seconds that the terminal has not: import it in"),
        ("import engine.methods\n" + adds(), "it imports torch, which takes seconds"),
        (adds(methods=method("scale")), "adds no method 'scale': Lesion has one of that name already"),
        (adds(methods=f"{method('x')}, {method('x')}"), "adds no method 'x': odd 0.1 has one of that name already"),
        (adds(methods=method("a b")), "adds no method 'a b': a name is a letter, then up to 47"),
        (adds(methods="'scale'"), "adds no method 'scale': it is no MethodInfo, but of type str"),
        (adds(methods="MethodInfo('x', '', None, False, 'odd:x')"), "a method needs a level, a LevelInfo"),
        (adds(methods=method("x", ", groups=('mpl',)")), "there is no parameter group 'mpl'"),
        (
            adds(methods=method("x", ", acts_on='all'")),
            "acts_on is one of slice, group, blocks, selection, model, not 'all'",
        ),
        (adds(methods=method("x", ", options='odd:LEVEL'")), "its options are not the import path of an OptionsTable"),
        (
            OPTIONS + adds(methods=method("x", ", options='odd:T'")),
            "its option 'size' needs a default and a description",
        ),
        (adds(scores="ScoreInfo('x', '', 'odd')"), "adds no score 'x': its implementation 'odd' is no import path"),
        (
            adds(scores="ScoreInfo('x', '', 'odd.there:x')"),
            "adds no score 'x': its implementation 'odd.there:x' names no module",
        ),
        (adds(prompt_sets="PromptSetInfo('x', '')"), "a prompt set has prompts, a file or parts, and one of these"),
        (adds(prompt_sets="PromptSetInfo('auto', '', prompts=('a',))"), "adds no prompt set 'auto': a name is"),
        (adds(prompt_sets="PromptSetInfo('x', '', file='engine:no.txt')"), "the prompts in 'engine:no.txt' cannot be"),
        (adds(prompt_sets="PromptSetInfo('x', '', parts=('y',))"), "there is no prompt set 'y' to be a part of it"),
        (adds(measurements=MEASUREMENT.format(table="T")), "'odd:T', which the catalog names, cannot be loaded"),
        (
            adds(measurements=MEASUREMENT.format(table="T").replace("'m'", "'level'")),
            "adds no measurement 'oddity': its metric 'level' bears the name of another column of the tables",
        ),
        (
            adds(measurements=MEASUREMENT.format(table="T").replace("'m'", "'nll_change_pct'")),
            "its metric 'nll_change_pct' bears the name of another column",
        ),
        (TABLE.format(name="T", says="other") + adds(measurements=MEASUREMENT.format(table="T")), "must say name: Lit"),
        (
            TABLE.format(name="Select", says="oddity") + adds(measurements=MEASUREMENT.format(table="Select")),
            "there is another table called Select",
        ),
        (
            TABLE.format(name="T", says="oddity") + "    x: object = None\n    y: type(sys) = None\n",
            "adds nothing by odd:ADDITIONS: NameError",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(package: Callable[[str], Path], code: str, says: str) -> None:
    faults, methods, torch = json.loads(python(REPORT, package(code)))
    assert len(faults) == 1
    assert faults[0].startswith("the package odd 0.1 adds n")
    assert says in faults[0]
    assert "\n" not in faults[0]
    assert methods == ["ablation", "add_gauss"]
    assert not torch


WHILE_READ = """
import builtins, threading
builtins.begun, builtins.goes_on = threading.Event(), threading.Event()
from engine.catalog import plugins
reader = threading.Thread(target=plugins.faults)
reader.start()
begun.wait()
try:
    import torch.anything
except ImportError as refusal:
    print(refusal)
goes_on.set()
reader.join()
print(*plugins.faults())
"""


def test_only_the_thread_that_reads_a_package_is_kept_from_torch(package: Callable[[str], Path]) -> None:
    folder = package("begun.set()\ngoes_on.wait()\nimport transformers\n")
    for heavy in ("torch", "transformers"):
        (folder / heavy).mkdir()
        (folder / heavy / "__init__.py").touch()
    (folder / "torch" / "anything.py").touch()
    [fault] = python(WHILE_READ, folder).splitlines()
    assert "odd 0.1 adds nothing by odd:ADDITIONS: it imports transformers, which takes seconds" in fault


def test_what_is_right_beside_it_stays(package: Callable[[str], Path]) -> None:
    folder = package(adds(methods=f"{method('good')}, {method('scale')}"))
    code = "from engine.catalog import method, plugins; print(method('good').package, len(plugins.faults()))"
    assert python(code, folder).strip() == "odd 0.1 1"


def test_a_broken_package_is_told_and_all_else_works(package: Callable[[str], Path], tmp_path: Path) -> None:
    folder = package("raise RuntimeError('out of order')")
    sentence = "the package odd 0.1 adds nothing by odd:ADDITIONS: RuntimeError: out of order"
    assert sentence in lesion("doctor", sites=(folder,)).stdout
    good = tmp_path / "good.toml"
    good.write_text(
        'name = "good"\n[model]\nnames = ["petri-4k"]\n[[damage]]\nmethod = "none"\n[[measure]]\nname = "perplexity"\n'
    )
    planned = lesion("plan", str(good), sites=(folder,))
    assert planned.returncode == 0
    assert f"note: {sentence}" in planned.stdout
    done = lesion("run", str(good), "--results", str(tmp_path / "results"), sites=(folder,))
    assert done.returncode == 0
    assert f"note: {sentence}" in done.stderr
    named = tmp_path / "named.toml"
    named.write_text(good.read_text().replace('"none"', '"oddly"'))
    refused = lesion("run", str(named), sites=(folder,))
    assert refused.returncode == 2
    assert "damage.0.method: there is no method 'oddly'" in refused.stderr
    assert f"({sentence})" in refused.stderr


def test_an_implementation_that_is_not_there_fails_its_trials_with_a_sentence(
    package: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = package(adds(methods=method("hollow")))
    profile = tmp_path / "p.toml"
    profile.write_text(
        'name = "p"\n[model]\nnames = ["petri-4k"]\n[[damage]]\nmethod = "hollow"\ngroups = ["mlp_only"]\n'
        'levels = [1]\n[[measure]]\nname = "perplexity"\ndocuments = 1\n'
    )
    done = lesion("run", str(profile), "--results", str(tmp_path / "results"), sites=(folder,))
    assert done.returncode == 1
    [run] = (tmp_path / "results").iterdir()
    baseline, hollow = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert baseline["status"] == "ok"
    assert hollow["error"].startswith("'odd:apply', which the catalog names, cannot be loaded: module 'odd' has no")


def test_two_measurements_of_one_metric_need_a_label(package: Callable[[str], Path], tmp_path: Path) -> None:
    measurement = MEASUREMENT.format(table="T").replace("'m'", "'nll'")
    folder = package(TABLE.format(name="T", says="oddity") + adds(measurements=measurement))
    profile = tmp_path / "both.toml"
    tables = '[model]\nnames = ["petri-4k"]\n[[damage]]\nmethod = "none"\n[[measure]]\nname = "perplexity"\n'
    profile.write_text(f'name = "both"\n{tables}[[measure]]\nname = "oddity"\n')
    refused = lesion("plan", str(profile), sites=(folder,))
    assert refused.returncode == 2
    assert "measure.1.label: perplexity has a metric nll too; give one of them a label of its own" in refused.stderr
    profile.write_text(profile.read_text() + 'label = "odd"\n')
    assert "label" not in lesion("plan", str(profile), sites=(folder,)).stderr


TELLS = """
class M:
    def __init__(self, spec, loaded, folder):
        self.notes = []
    def prepare(self, batch_size, progress):
        pass
    def can_start_at(self, layer):
        return False
    def run(self, seed, batch_size, progress):
        from engine.measure.measurement import Measured
        return Measured({metrics}, {texts})
"""


@pytest.mark.parametrize(
    ("metrics", "texts", "says"),
    [
        ("{'m': 'much'}", "[]", "ValueError: Result.metrics is {'m': 'much'}, where figure by name is expected"),
        ("{'m': 1.0}", "[{'index': 'x'}]", "ValueError: the text's index is 'x', where count or null is expected"),
    ],
)
def test_what_no_record_can_hold_fails_its_trial_with_a_sentence(
    package: Callable[[str], Path], tmp_path: Path, metrics: str, texts: str, says: str
) -> None:
    tells = TELLS.replace("{metrics}", metrics).replace("{texts}", texts)
    table = TABLE.format(name="T", says="oddity")
    folder = package(table + tells + adds(measurements=MEASUREMENT.format(table="T")))
    profile = tmp_path / "p.toml"
    profile.write_text(
        'name = "p"\n[model]\nnames = ["petri-4k"]\n[[damage]]\nmethod = "none"\n[[measure]]\nname = "oddity"\n'
    )
    done = lesion("run", str(profile), "--results", str(tmp_path / "results"), sites=(folder,))
    assert done.returncode == 1, done.stderr
    [run] = (tmp_path / "results").iterdir()
    [record] = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert (record["status"], record["error"]) == ("failed", says)
    assert (run / "generations.jsonl").read_text() == ""
