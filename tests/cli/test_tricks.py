"""Nothing that others wrote reaches the terminal as more than text, whichever command shows it."""

import csv
import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests import hostile
from tests.cli.conftest import COMMAND, ROOT, Lesion
from tests.hostile import TRICKS, acting


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    hostile.run(folder)
    (folder / f"profile{TRICKS}.toml").write_text(hostile.profile([f"no{TRICKS}"]))
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["results"],
        ["export", "last"],
        ["export", "last", "-o", f"/no/where{TRICKS}"],
        ["chart", "last"],
        ["chart", "last", "--metric", TRICKS],
        ["attach", "last"],
        ["stop", "last"],
        ["resume", "last"],
        ["replay", "last"],
        ["plan", "profile"],
        ["run", f"no{TRICKS}"],
        ["run", "demo", f"--{TRICKS}"],
    ],
)
def test_no_command_passes_on_what_acts(results: Path, arguments: list[str]) -> None:
    given = [str(results / f"profile{TRICKS}.toml") if word == "profile" else word for word in arguments]
    done = subprocess.run(
        [*COMMAND, *given],
        cwd=ROOT,
        env={**os.environ, "LESION_RESULTS": str(results)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    said = done.stdout.decode() + done.stderr.decode()  # which is UTF-8
    assert said
    assert not acting(said)
    assert done.returncode in (0, 1, 2), said
    assert "\nlesion: all is well" not in said  # no line of its own either


def test_json_keeps_the_text_and_csv_what_can_be_seen_of_it(results: Path, lesion: Lesion, tmp_path: Path) -> None:
    written = lesion("export", "last", "-f", "json", "--results", results).stdout
    listed = lesion("results", "--json", "--results", results).stdout
    assert not acting(written + listed)
    assert json.loads(written)[1]["group"] == f"=attn_only{TRICKS}"
    assert json.loads(listed)[0]["name"] == f"tricks{TRICKS}"
    rows = list(csv.DictReader(io.StringIO(lesion("export", "last", "--results", results).stdout)))
    assert rows[1]["group"].startswith("'=attn_only␛[31mred")
    assert lesion("export", "last", "-f", "parquet", "-o", tmp_path / "t", "--results", results).returncode == 0
    import pandas as pd

    assert pd.read_parquet(tmp_path / "t")["group"][1] == f"=attn_only{TRICKS}"
