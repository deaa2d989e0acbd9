"""Runs from elsewhere beside a good one: every command lists, shows or refuses them in sentences."""

from pathlib import Path
from typing import Any

import pytest

from tests.analysis.conftest import record
from tests.cli.conftest import Lesion
from tests.runs.test_odd_files import DONE, STARTED, make

ODD: dict[str, tuple[list[Any], list[Any]]] = {
    "endless": ([STARTED | {"total": float("inf")}, DONE | {"t": 1e30}], [record(0)]),
    "timeless": ([{"event": "started"}, STARTED | {"t": "soon"}, {"t": 2.0}], [record(0)]),
    "text": ([STARTED, DONE], [record(0), record(1) | {"metrics": {"perplexity": "much"}}]),
    "null": ([STARTED, DONE], [record(0) | {"metrics": {"perplexity": None}}, record(1, baseline=True)]),
    "vast": ([STARTED, DONE], [record(0) | {"metrics": {"perplexity": 10**400}}, record(1) | {"seconds": {}}]),
    "torn": (["[" * 100_000, "\x00", "{}"], ["[" * 100_000, "\x00", "{}", "null"]),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for name, (events, trials) in ODD.items():
        make(folder, name, events, trials)
    make(folder, "deep", [STARTED, DONE], [record(0)], "a = " + "[" * 5000)
    make(folder, "good", [STARTED, DONE], [record(0), record(1)])
    return folder


def test_the_list_has_them_all(results: Path, lesion: Lesion) -> None:
    done = lesion("results", "--results", results)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0].split("-")[2]: line.split()[1:4] for line in done.stdout.splitlines()[1:]}
    assert rows["good"] == ["done", "2/2", "0"]
    assert rows["null"] == ["done", "2/2", "0"]
    damaged = {name for name, row in rows.items() if row[0] == "damaged"}
    assert damaged == {*ODD, "deep"} - {"null"}
    assert done.stderr.count("warning: ") == len(damaged)
    assert "without a usable 'total'" in done.stderr


@pytest.mark.parametrize("command", ["export", "chart", "attach"])
def test_a_sentence_or_what_can_be_shown(results: Path, lesion: Lesion, command: str) -> None:
    statuses = {}
    for name in ("endless", "text", "vast", "torn"):
        done = lesion(command, name, "--results", results)
        assert "fault in Lesion" not in done.stderr
        assert "Traceback" not in done.stderr
        statuses[name] = done.returncode
        if done.returncode == 2:
            assert done.stderr.startswith("lesion: ")
            assert len(done.stderr.splitlines()) == 1
    if command != "attach":
        assert statuses == {"endless": 0, "text": 2, "vast": 2, "torn": 2}


def test_they_are_no_business_of_a_plan(results: Path, lesion: Lesion) -> None:
    done = lesion("plan", "demo", "--set", "model.names=['petri-4k']", "--results", results)
    assert done.returncode == 0, done.stderr
    done = lesion("export", "last", "--results", results)
    assert done.returncode in (0, 2)
