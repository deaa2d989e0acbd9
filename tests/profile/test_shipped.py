"""The profiles that come with Lesion, their JSON schema, and what importing this room costs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import catalog
from engine.profile import PromptTable, load, remarks, resolve, to_toml, trials
from engine.profile.json_schema import json_schema
from engine.profile.texts import prompts as prompts_of

PROFILES = Path(__file__).parents[2] / "profiles"
SHIPPED = sorted(PROFILES.glob("**/*.toml"))


def test_schema_file_is_up_to_date(tmp_path: Path) -> None:
    """In a process of its own, which leaves out what packages add here."""
    now = tmp_path / "schema.json"
    subprocess.run([sys.executable, "-m", "engine.profile.json_schema", str(now)], check=True)
    assert (PROFILES / "schema.json").read_text("utf-8") == now.read_text("utf-8"), (
        "run python -m engine.profile.json_schema"
    )


def test_schema_offers_the_catalogs_names_and_bounds() -> None:
    schema = json.loads(json.dumps(json_schema()))
    damage = schema["$defs"]["Damage"]
    assert damage["properties"]["method"]["enum"] == list(catalog.methods())
    assert damage["properties"]["groups"]["items"]["enum"] == list(catalog.groups())
    [quant] = [rule for rule in damage["allOf"] if rule["if"]["properties"]["method"]["const"] == "uni_quant"]
    level = quant["then"]["properties"]["levels"]["anyOf"][0]["items"]
    assert (level["type"], level["minimum"], level["maximum"]) == ("integer", 2, 65536)
    assert schema["properties"]["extends"]["type"] == "string"
    assert schema["additionalProperties"] is False
    assert all("description" in key for table in schema["$defs"].values() for key in _described(table))


def _described(table: dict[str, dict[str, dict[str, str]]]) -> list[dict[str, str]]:
    return [key for name, key in table["properties"].items() if name != "name"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(PROFILES).with_suffix("").as_posix())
def test_shipped_profiles_load_and_open_with_a_comment(path: Path, tmp_path: Path) -> None:
    schema_line, comment, *_ = path.read_text(encoding="utf-8").splitlines()
    assert schema_line.startswith("#:schema ")
    assert (path.parent / schema_line.removeprefix("#:schema ")).is_file()
    assert comment.startswith("# ")
    (tmp_path / "models" / "smollm2-135m-instruct").mkdir(parents=True)  # stands in for the download
    shutil.copytree(PROFILES, tmp_path / "profiles")
    profile = load(tmp_path / path.relative_to(PROFILES.parent))
    assert profile.description
    assert trials(profile)
    assert remarks(profile) == []
    (tmp_path / "resolved.toml").write_text(to_toml(resolve(profile)), encoding="utf-8")
    assert trials(load(tmp_path / "resolved.toml")) == trials(profile)


def test_demo_has_the_trials_counted_by_hand() -> None:
    # 5 models, each with 2 baselines and 2 seeds × 2 groups × 5 levels
    assert len(trials(load(PROFILES / "demo.toml"))) == 5 * (2 + 2 * 2 * 5)


def test_the_degradation_study_has_the_published_grid() -> None:
    profile = load(PROFILES / "degradation" / "full.toml")
    variants = [
        (damage.method, damage.groups, len(damage.levels), damage.levels[0], damage.levels[-1])
        for damage in profile.damage
    ]
    assert variants == [
        ("mult_gauss", ("attn_only",), 15, 0.0, 1.4),
        ("mult_gauss", ("mlp_only",), 11, 0.0, 0.5),
        ("mult_gauss", ("embed_only",), 21, 0.0, 1.0),
        ("ablation", ("attn_only",), 17, 0.0, 0.8),
        ("uni_quant", ("attn_only",), 9, 1024.0, 4.0),
    ]
    assert profile.damage[-1].levels == (1024.0, 512.0, 256.0, 128.0, 64.0, 32.0, 16.0, 8.0, 4.0)
    assert profile.damage[0].levels[1] == 0.1
    # 10 baselines, as texts are drawn, and 10 seeds at each of the 73 levels
    assert len(trials(profile)) == 10 + 10 * 73


def test_the_surveys_try_the_eight_published_sizes_and_damage_nothing() -> None:
    sizes = ["70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b", "12b"]
    for survey, prompts in (("mlp-gain", 4), ("residual-gain", 25)):
        profile = load(PROFILES / survey / "full.toml")
        assert list(profile.model.names) == [f"EleutherAI/pythia-{size}" for size in sizes]
        assert [(trial.method, trial.baseline) for trial in trials(profile)] == [("none", True)] * 8
        [measure] = profile.measure
        assert isinstance(measure, PromptTable)
        assert len(prompts_of(measure, PROFILES)) == prompts


def test_a_model_that_is_not_there_yet_says_how_to_get_it() -> None:
    from engine.errors import LesionError

    try:
        load(PROFILES / "smollm2.toml")
    except LesionError as error:
        assert "`make real-model` fetches this one" in str(error)  # noqa: PT017  (the folder may exist)


def test_planning_a_profile_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from engine.profile import *; from engine.profile import json_schema;"
        f"p = resolve(load({str(PROFILES / 'demo.toml')!r})); trials(p); remarks(p); to_toml(p); json_schema.written();"
        "print([name for name in ('torch', 'transformers', 'pandas', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_list_of_profiles_names_none_that_is_not_there() -> None:
    text = (PROFILES / "README.md").read_text(encoding="utf-8")
    listed = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert listed
    assert listed <= {path.relative_to(PROFILES).with_suffix("").as_posix() for path in SHIPPED}
