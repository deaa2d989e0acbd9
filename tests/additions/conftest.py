"""Two small packages, really installed by pip into a folder of their own, and packages that are wrong in some way."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.warm.opening import WARM

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lesion-clamp 1.0 and lesion-kit 2.1 installed in it."""
    folder = tmp_path_factory.mktemp("site")
    flags = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    sources = [str(HERE / "lesion-clamp"), str(HERE / "lesion-kit")]
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, "--target", str(folder), *sources], check=True)
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a folder as pip leaves it behind, with the package `odd` 0.1, whose module holds this code."""

    def make(code: str) -> Path:
        folder = tmp_path / "odd-site"
        described = folder / "odd-0.1.dist-info"
        described.mkdir(parents=True)
        (described / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 0.1\n")
        (described / "entry_points.txt").write_text("[lesion.catalog]\nodd = odd:ADDITIONS\n")
        (folder / "odd.py").write_text(code)
        return folder

    return make


def python(code: str, *sites: Path, arguments: tuple[str, ...] = (), **environment: str) -> str:
    """What Python prints that runs `code` with the packages of these folders at hand."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=surroundings(sites, environment)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def lesion(*arguments: str, sites: tuple[Path, ...]) -> "subprocess.CompletedProcess[str]":
    """The command, with the packages of these folders at hand."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=surroundings(sites, {}))


def surroundings(sites: tuple[Path, ...], more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **more, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *sites, WARM)))}
