"""The profiles that come with Lesion, their JSON schema, and what importing this room costs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import catalog
from engine.profile import load, remarks, trials
from engine.profile.json_schema import json_schema, written

PROFILES = Path(__file__).parents[2] / "profiles"
SHIPPED = sorted(PROFILES.glob("**/*.toml"))


def test_schema_file_is_up_to_date() -> None:
    assert (PROFILES / "schema.json").read_text(encoding="utf-8") == written(), (
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


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
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


def test_demo_has_the_trials_counted_by_hand() -> None:
    # 5 models, each with 3 baselines and 3 seeds × 2 groups × 6 levels
    assert len(trials(load(PROFILES / "demo.toml"))) == 5 * (3 + 3 * 2 * 6)


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
