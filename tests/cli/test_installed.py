"""The wheel, built and installed by pip where no checkout is: the profiles that come with Lesion are in it."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT

pytestmark = pytest.mark.slow

Installed = Callable[..., subprocess.CompletedProcess[str]]

TINY = [
    'model.names=["petri-4k"]', "model.device=cpu", "damage.0.levels=[0.5]", 'damage.0.groups=["attn_only"]',
    'measure=[{name="perplexity",documents=2}]', "seeds.count=1", "run.threads=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of this checkout installed in it, and nothing else."""
    made = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (made / "dist").glob("*.whl")
    flags = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", *flags, "--target", str(made / "site"), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    return made / "site"


@pytest.fixture
def installed(site: Path, tmp_path: Path) -> Installed:
    """Run the command as the wheel installed it, in an empty folder; its dependencies are those of this Python.

    -S leaves the .pth files of this Python unread, for one of them leads to the checkout.
    """
    empty = tmp_path / "empty"
    empty.mkdir()
    # Where the packages are that this Python has: its own folder, and what .pth files add to it.
    packages = [path for path in sys.path if path.endswith("site-packages")] or [sysconfig.get_path("purelib")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LESION"))}
    environment |= {"PYTHONPATH": os.pathsep.join([str(site), *packages]), "OMP_NUM_THREADS": "1"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", "-P", str(site / "bin" / "lesion"), *arguments],
            cwd=empty,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    return run


def test_the_wheel_holds_every_shipped_profile_and_the_schema(site: Path) -> None:
    kept = {path.relative_to(ROOT / "profiles") for path in (ROOT / "profiles").rglob("*.*")}
    assert {path.relative_to(site / "engine" / "profiles") for path in (site / "engine/profiles").rglob("*.*")} == kept
    assert Path("schema.json") in kept
    assert {path.name for path in site.iterdir()} == {
        "app",
        "engine",
        "bin",
        *(p.name for p in site.glob("*.dist-info")),
    }


def test_a_shipped_profile_is_planned_and_run_from_an_empty_folder(installed: Installed, tmp_path: Path) -> None:
    planned = installed("plan", "demo", "--json", *(word for key in TINY for word in ("--set", key)))
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["trials"] == 2
    done = installed("run", "demo", "--json", *(word for key in TINY for word in ("--set", key)))
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert (run["ok"], run["failed"]) == (2, 0)
    assert (tmp_path / "empty" / run["run"] / "trials.jsonl").is_file()


def test_names_of_shipped_profiles_are_found_as_in_a_checkout(installed: Installed, tmp_path: Path) -> None:
    extending = installed("plan", "residual-gain/smollm2", "--set", "seeds.count=0")
    assert "residual-gain/smollm2.toml extending full.toml" in extending.stderr
    several = installed("plan", "petri")
    assert several.returncode == 2
    assert "mlp-gain/petri" in several.stderr
    assert (
        "'mlp-gain' is a folder: give one of the profiles in it: mlp-gain/full" in installed("plan", "mlp-gain").stderr
    )
    unknown = installed("plan", "demmo")
    assert "neither as a file nor in ./profiles nor among those that come with Lesion" in unknown.stderr
    assert "did you mean 'demo'?" in unknown.stderr


def test_ones_own_profile_comes_before_a_shipped_one_of_the_same_name(installed: Installed, tmp_path: Path) -> None:
    own = tmp_path / "empty" / "profiles" / "studies"
    own.mkdir(parents=True)
    (own / "petri.toml").write_text('name = "without a model"')
    assert "profiles/studies/petri.toml: model: " in installed("plan", "petri").stderr
