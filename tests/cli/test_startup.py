"""What the command loads before it does anything: little, and nothing that takes seconds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, ROOT, Lesion

COMMANDS = [
    "run", "resume", "replay", "attach", "stop",
    "plan", "models", "doctor", "schema",
    "open", "results", "export", "chart", "analyze", "card", "doses", "import", "save",
]  # fmt: skip


def loaded_by(*arguments: str) -> set[str]:
    """The top-level names of every module that the command imports."""
    return {module.partition(".")[0] for module in modules_of(*arguments)}


def modules_of(*arguments: str) -> set[str]:
    """The full names of every module that the command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["results", "--help"]])
def test_help_loads_neither_torch_nor_the_console_nor_tables(arguments: list[str]) -> None:
    loaded = loaded_by(*arguments)
    assert "typer" in loaded  # the parsing above works
    heavy = {"torch", "transformers", "textual", "pandas", "numpy", "pyarrow", "scipy", "plotext", "rich"}
    assert not loaded & (heavy | {"psutil", "tomli_w", "tomlkit"})
    assert arguments != ["--help"] or "pydantic" not in loaded  # typer converts with it what else is typed


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plan", "--help"], ["export", "--help"]])
def test_help_loads_no_room_of_the_engine(arguments: list[str]) -> None:
    """The modules that say a mistake and the version, and none of what a command does."""
    ours = {module for module in modules_of(*arguments) if module.partition(".")[0] == "engine"}
    assert ours == {
        "engine",
        "engine.errors",
        "engine.harmless",
        "engine.paths",
        "engine.finding",
        "engine.units",
        "engine.version",
    }


@pytest.mark.parametrize("arguments", [["models"], ["doctor"], ["schema"], ["results", "--results", "missing"]])
def test_no_command_of_the_terminal_loads_torch(arguments: list[str]) -> None:
    assert not loaded_by(*arguments) & {"torch", "transformers", "textual"}


def test_the_list_of_runs_needs_no_tables_charts_or_arrays() -> None:
    """On real runs, those of the samples: their states and names are read without what draws or computes."""
    heavy = {"torch", "transformers", "textual", "pandas", "numpy", "pyarrow", "scipy", "plotext", "rich", "tomlkit"}
    loaded = modules_of("results", "--results", "results/samples")
    assert "engine.runs.summaries" in loaded
    assert not {module.partition(".")[0] for module in loaded} & heavy
    assert not {module for module in loaded if module.startswith(("app.console", "app.charts", "app.headless"))}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(lesion: Lesion, command: str) -> None:
    done = lesion(command, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout or command == "schema"
    assert done.stderr == ""


def test_the_list_of_commands_is_whole_on_80_columns(lesion: Lesion) -> None:
    done = lesion("--help", COLUMNS="80")
    listed = re.findall(r"^  ([a-z]+)  +[A-Z]", done.stdout, re.MULTILINE)
    assert listed == COMMANDS
    assert "..." not in done.stdout.partition("Commands:")[2]


def test_version(lesion: Lesion) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", lesion("--version").stdout)


def test_a_reader_that_leaves_early_is_no_fault(scaled_run: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "export", str(scaled_run)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0
