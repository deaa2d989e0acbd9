"""What an installed package adds: found by the catalog, the plan, the schema and the console, and run like the rest."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.additions.conftest import HERE, ROOT, lesion, python

PROFILE = """
name = "added"

[model]
names = ["petri-4k"]
dtype = "float32"
device = "cpu"

[[damage]]
method = "clamp"
groups = ["mlp_only"]
levels = [0, 1000]

[[damage]]
method = "ablation"
groups = ["mlp_only"]
levels = [1]

[[damage]]
method = "scale"
groups = ["mlp_only"]
levels = [-1]
select = { by = "top_k", fraction = 0.5, score = "smallness" }

[[damage]]
method = "scale"
groups = ["mlp_only"]
levels = [-1]
select = { by = "bottom_k", fraction = 0.5, score = "magnitude" }

[[measure]]
name = "perplexity"
documents = 2

[[measure]]
name = "certainty"
prompts = "both"

[[measure]]
name = "certainty"
label = "squared"
prompts = "both"
power = 2.0

[run]
threads = 1
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "added.toml"
    path.write_text(PROFILE)
    return path


def test_an_added_method_runs_from_a_profile(site: Path, profile: Path, tmp_path: Path) -> None:
    """Each figure against one that only Lesion's own methods and scores made."""
    results = tmp_path / "results"
    done = lesion("run", str(profile), "--json", "--results", str(results), sites=(site,))
    assert done.returncode == 0, done.stderr
    run = Path(json.loads(done.stdout)["run"])
    exported = lesion("export", str(run), sites=(site,))
    baseline, zeroed, spared, ablated, smallest, bottom = csv.DictReader(exported.stdout.splitlines())
    assert [row["method"] for row in (zeroed, spared)] == ["clamp", "clamp"]
    for metric in ("perplexity", "top_probability", "squared.top_probability"):
        assert zeroed[metric] == ablated[metric] != baseline[metric] == spared[metric]
        assert smallest[metric] == bottom[metric] != baseline[metric]
    assert 0 < float(baseline["squared.top_probability"]) < float(baseline["top_probability"]) < 1
    assert float(zeroed["top_probability_change_pct"]) != 0
    records = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    shown = json.loads((run / records[0]["artifacts"][0]).read_text())
    assert len(shown["by_prompt"]) == 2 + 8  # its own file, and a set that comes with Lesion
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["additions"] == {"lesion-clamp": "1.0", "lesion-kit": "2.1"}
    drawn = lesion("chart", str(run), sites=())
    assert drawn.returncode == 0, drawn.stderr
    assert "clamp" in drawn.stdout
    again = lesion("replay", str(run), "--verify", "--results", str(results), "--quiet", sites=(site,))
    assert again.returncode == 0, again.stderr


def test_a_file_that_its_measurement_names_is_an_input_like_ours(site: Path, tmp_path: Path) -> None:
    """Found beside the profile, copied into the run, counted by content; an editor hears of it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "words.txt").write_text("the a")
    path = folder / "p.toml"
    tables = '[model]\nnames = ["petri-4k"]\n[[damage]]\nmethod = "none"\n[run]\nthreads = 1\n[[measure]]\n'
    path.write_text(f'name = "p"\n{tables}name = "certainty"\nlimit = 2\nwords = "words.txt"\n')
    done = lesion("run", str(path), "--json", "--results", str(tmp_path / "results"), sites=(site,))
    assert done.returncode == 0, done.stderr
    run = Path(json.loads(done.stdout)["run"])
    assert (run / "inputs" / "words.txt").read_text() == "the a"
    assert 'words = "inputs/words.txt"' in (run / "profile.toml").read_text()
    [record] = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    code = "import sys; from pathlib import Path; from engine.profile import load, trials\n"
    code += "for name in sys.argv[1:]: print(trials(load(name), Path(name).parent)[0].key)"
    there = shutil.copytree(folder, tmp_path / "there")
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "words.txt").write_text("the")
    profiles = [str(place / "p.toml") for place in (folder, there, other)] + [str(run / "profile.toml")]
    here, elsewhere, changed, copied = python(code, site, arguments=tuple(profiles)).split()
    assert here == elsewhere == copied == record["trial"] != changed
    (folder / "words.txt").unlink()
    refused = lesion("run", str(path), sites=(site,))
    assert refused.returncode == 2
    assert "measure.0.words: there is no file" in refused.stderr
    assert "give the path of one" in refused.stderr


def test_without_the_package_the_profile_is_refused_in_one_sentence(site: Path, profile: Path) -> None:
    refused = lesion("run", str(profile), sites=())
    assert refused.returncode == 2
    assert f"{profile}: damage.0.method: there is no method 'clamp'" in refused.stderr
    assert "measure.1.name: there is no measurement 'certainty'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_its_measurement_tells_what_it_needs(site: Path, tmp_path: Path) -> None:
    """Memory grows with the prompts that it reads, and with the predictions that gains do not make."""
    need = {}
    for name, prompts in (("gains", "short"), ("certainty", "short"), ("certainty", "long")):
        path = tmp_path / "p.toml"
        words = ["once upon a time"] if prompts == "short" else ["once upon a time " * 20]
        path.write_text(
            'name = "p"\n[model]\nnames = ["petri-4k"]\n[[damage]]\nmethod = "none"\n'
            f'[[measure]]\nname = "{name}"\nbatch_size = 1\nprompts = {words}\n'
        )
        plan = lesion("plan", str(path), "--json", sites=(site,))
        assert plan.returncode == 0, plan.stderr
        [model] = json.loads(plan.stdout)["models"]
        need[name, prompts] = model["activation_bytes"]
    assert need["gains", "short"] < need["certainty", "short"] < need["certainty", "long"]


def test_plan_schema_models_and_doctor_show_them(site: Path, profile: Path) -> None:
    plan = lesion("plan", str(profile), "--json", sites=(site,))
    assert plan.returncode == 0, plan.stderr
    planned = json.loads(plan.stdout)
    assert planned["trials"] == 6
    assert {"model": "petri-4k", "method": "clamp", "group": "mlp_only", "trials": 2} in planned["cells"]
    assert (planned["models"][0]["error"], planned["remarks"]) == (None, [])

    schema = json.loads(lesion("schema", sites=(site,)).stdout)
    tables = schema["$defs"]
    assert tables["Damage"]["properties"]["method"]["enum"][-1] == "clamp"
    [bounds] = [rule for rule in tables["Damage"]["allOf"] if rule["if"]["properties"]["method"]["const"] == "clamp"]
    assert "c: the largest size that a weight may have" in bounds["then"]["properties"]["levels"]["description"]
    assert tables["CertaintyTable"]["properties"]["power"]["maximum"] == 10
    assert tables["Select"]["properties"]["score"]["anyOf"][0]["enum"][-1] == "smallness"
    offered = tables["GenerationMeasure"]["properties"]["prompts"]["anyOf"][0]["anyOf"][0]["enum"]
    assert offered[-2:] == ["openings", "both"]

    models = json.loads(lesion("models", "--json", sites=(site,)).stdout)
    assert models["architectures"][-1]["name"] == "renamed"
    doctor = json.loads(lesion("doctor", "--json", sites=(site,)).stdout)
    assert [(found["name"], found["version"], found["faults"]) for found in doctor["additions"]] == [
        ("lesion-clamp", "1.0", []),
        ("lesion-kit", "2.1", []),
    ]
    assert doctor["additions"][1]["measurements"] == ["certainty"]


def test_the_written_schema_is_of_lesion_alone(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    code = "import runpy; runpy.run_module('engine.profile.json_schema', run_name='__main__')"
    python(code, site, arguments=(str(file),))
    assert file.read_text() == (ROOT / "profiles" / "schema.json").read_text()


def test_the_console_offers_them(site: Path, tmp_path: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from app.console.shared.pick import Pick
from tests.console.shell import field_texts, form, go_to, lab, opened, until

async def main():
    app = lab(Path(sys.argv[1]))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        for key, sought in (("damage.0.method", "clamp"), ("measure.0.name", "certainty")):
            await go_to(pilot, key)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Pick))
            await pilot.press(*sought, "enter")
            await until(pilot, lambda: not isinstance(app.screen, Pick))
        await until(pilot, lambda: "measure.0.power" in field_texts(pilot))
        profile = app.screen._draft.data
        print(profile["damage"][0]["method"], profile["measure"][0]["name"])
        fields = {stop.field.key: stop.field for stop in form(pilot).stops if stop.field}
        power = fields["measure.0.power"]
        print(power.kind, power.default, power.hint)
        print("the largest size that a weight may have" in fields["damage.0.levels"].hint)
        print("openings" in [name for name, _ in fields["measure.0.prompts"].choices()])
        app.exit()

asyncio.run(main())
print("torch" in sys.modules)
"""
    said = python(code, site, arguments=(str(tmp_path),)).splitlines()
    assert said == ["clamp certainty", "number 1 The probability is raised to it.", "True", "True", "False"]


def test_a_key_tells_whose_code_and_which_version(site: Path, profile: Path, tmp_path: Path) -> None:
    """Another version of the package is another trial; where it has no part, the key is as it ever was."""
    newer = tmp_path / "newer"
    shutil.copytree(site, newer)
    [described] = newer.glob("lesion_clamp-*.dist-info")
    metadata = described / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1", 1))
    profile.write_text(
        profile.read_text().split("[[measure]]")[0] + '[[measure]]\nname = "perplexity"\ndocuments = 2\n'
    )
    code = "import sys; from engine.profile import load, trials; print(*(t.key for t in trials(load(sys.argv[1]))))"
    before, after = (python(code, folder, arguments=(str(profile),)).split() for folder in (site, newer))
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False, True, True, True]
    own = (
        profile.read_text().replace('"clamp"', '"scale"').replace('top_k", fraction = 0.5, score = "smallness"', 'all"')
    )
    profile.write_text(own)
    alone = python(code, arguments=(str(profile),)).split()
    assert alone == python(code, site, arguments=(str(profile),)).split()
    assert (alone[0], alone[3], alone[5]) == (before[0], before[3], before[5])


def test_an_added_architecture_is_recognised(site: Path) -> None:
    code = """
from transformers import LlamaConfig, LlamaForCausalLM
from engine.errors import LesionError
from engine.models.architecture import architecture

small = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
model = LlamaForCausalLM(LlamaConfig(**small))
for block in model.model.layers:
    block.mixer, block.thinker = block.self_attn, block.mlp
    del block.self_attn, block.mlp
try:
    parts = architecture(model)
    print(parts.name, sum(piece.numel for piece in parts.slices("mlp_only")), parts.slices("attn_q")[1].parameter)
except LesionError as error:
    print(error)
"""
    found = python(code, site).strip()
    assert found == f"renamed {2 * 3 * 32 * 48} model.layers.1.mixer.q_proj.weight"
    refused = python(code, site, LESION_NO_ADDITIONS="1")
    assert refused.startswith("the architecture of LlamaForCausalLM is not supported")


def test_reading_all_of_it_loads_no_torch(site: Path, profile: Path) -> None:
    code = (
        "import sys; from engine import catalog; from engine.profile import *; from engine.profile import json_schema;"
        "assert 'clamp' in catalog.methods();"
        "p = load(sys.argv[1]); trials(p); remarks(p); to_toml(p); json_schema.written();"
        "print([name for name in ('torch', 'transformers', 'pandas') if name in sys.modules])"
    )
    assert python(code, site, arguments=(str(profile),)).strip() == "[]"


def test_the_modules_of_a_package_can_be_imported_first(site: Path) -> None:
    """Before anything of Lesion: the catalog is not read while its own modules are half imported."""
    code = "import lesion_kit.certainty.table, lesion_kit; from engine import catalog;"
    code += "print('certainty' in catalog.measurements())"
    assert python(code, site).strip() == "True"


def test_the_readme_shows_this_very_package() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in ("lesion_clamp.py", "pyproject.toml"):
        assert (HERE / "lesion-clamp" / name).read_text("utf-8").strip() in readme, name
