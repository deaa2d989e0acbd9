"""Every shipped profile for a CPU, run to the end by the real command, as its user would."""

import json
from pathlib import Path

import pytest

from engine.profile import load, trials
from tests.cli.conftest import ROOT, Lesion

SHIPPED = {
    path.relative_to(ROOT / "profiles").with_suffix("").as_posix(): load(path, must_exist=False)
    for path in sorted((ROOT / "profiles").rglob("*.toml"))
}
PETRI = [name for name, one in SHIPPED.items() if all(model.startswith("petri-") for model in one.model.names)]
SMOLLM2 = [name for name, one in SHIPPED.items() if one.model.names[0].endswith("smollm2-135m-instruct")]


def test_every_protocol_has_a_twin_for_a_cpu() -> None:
    folders = {name.partition("/")[0] for name in SHIPPED if "/" in name}
    assert folders == {name.partition("/")[0] for name in PETRI + SMOLLM2 if "/" in name}


WHOLE = ("demo", "catalyst/petri-scaling")
"""Those that run with all their models: their charts compare sizes."""


@pytest.mark.parametrize("name", PETRI)
def test_a_petri_profile_runs_to_the_end(name: str, lesion: Lesion, tmp_path: Path) -> None:
    """With one of its seeds, and two of its models at most: more of them are more of the same."""
    names = SHIPPED[name].model.names if name in WHOLE else SHIPPED[name].model.names[:2]
    fewer = ["seeds.count=1", f"model.names={json.dumps(names)}"]
    done = lesion("run", name, *(f"--set={one}" for one in fewer), "--json", "--quiet", "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    count = len(trials(load(ROOT / "profiles" / f"{name}.toml", fewer)))
    assert (said["trials"], said["ok"], said["failed"], said["oom"]) == (count, count, 0, 0)
    charts = lesion("chart", "last", "--results", tmp_path)
    assert charts.returncode == 0, charts.stderr
    assert charts.stdout
