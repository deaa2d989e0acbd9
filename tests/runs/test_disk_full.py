"""A disk that fills up, by a small file system and by a limit on the size of files: a sentence, and nothing is lost."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs import create, read_generations, read_trials, status
from engine.runs.processes import command, environment
from tests.runs.conftest import busy_profile, lasting, resume

LIMIT = 40_000  # bytes; generations.jsonl grows past it in the middle of the run, and is the first to do so
FIXED = 48_000  # bytes that a run takes from the start: the reserve, the profile, a block for each small file


def check(run: Path, *files: str) -> None:
    """The run stopped with its sentence about one of the files, and every line that is there is whole."""
    found = status(run)
    assert found.state == "failed"
    assert any(f"{file} of run {run.name} could not be written, disk full (" in found.text for file in files)
    assert found.text.endswith(f"free space, then lesion resume {run.name}")
    assert 0 < found.done < 30
    for name in ("trials.jsonl", "generations.jsonl", "events.jsonl"):
        content = (run / name).read_bytes()
        assert content.endswith(b"\n")
        for line in content.splitlines():
            json.loads(line)
    assert len(read_generations(run)) == 8 * len(read_trials(run))


def test_limit_on_the_size_of_files(fresh: Path, finished: Path) -> None:
    assert (finished / "generations.jsonl").stat().st_size > LIMIT
    done = subprocess.run(
        command("engine.runs.runner", str(fresh)),
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 1
    assert "generations.jsonl" in done.stderr
    assert "Traceback" not in done.stderr
    check(fresh, "generations.jsonl")
    assert (fresh / "generations.jsonl").stat().st_size <= LIMIT
    resume(fresh)
    assert lasting(fresh) == lasting(finished)


def mounted(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script that mounts what it needs for itself alone."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("user namespaces are not permitted here")
    command = ["unshare", "-rm", "sh", "-c", script]
    done = subprocess.run(command, env=environment(), stderr=subprocess.PIPE, text=True, cwd=os.sep)
    if done.returncode == 77:
        pytest.skip("mounting is not permitted here")
    return done


def test_small_file_system(tmp_path: Path, finished: Path) -> None:
    """A run in a file system with room for half of it, where its log lies, too."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    run = create(busy_profile(), tmp_path / "results", source=None)
    growing = sum((finished / name).stat().st_size for name in ("trials.jsonl", "generations.jsonl", "events.jsonl"))
    script = f"""
        mount -t tmpfs -o size={FIXED + growing // 2} none {disk} || exit 77
        cp -a {run} {disk}/
        {sys.executable} -P -m engine.runs.runner {disk}/{run.name} 2>> {disk}/{run.name}/runner.log
        status=$?
        cp -a {disk}/{run.name} {kept}
        exit $status
    """
    done = mounted(script)
    assert done.returncode == 1, done.stderr
    shutil.rmtree(run)
    kept.rename(run)
    check(run, "generations.jsonl", "trials.jsonl")
    resume(run)
    assert lasting(run) == lasting(finished)


def test_resuming_on_a_disk_without_any_room(tmp_path: Path) -> None:
    """Where not even the log takes a word."""
    (tmp_path / "disk").mkdir()
    run = create(busy_profile(), tmp_path / "results", source=None)
    done = mounted(f"""
        mount -t tmpfs -o size=200k none {tmp_path}/disk || exit 77
        cp -a {run} {tmp_path}/disk/
        : > {tmp_path}/disk/{run.name}/runner.log
        cat /dev/zero > {tmp_path}/disk/fill 2> /dev/null
        exec {sys.executable} -P -m app.cli resume {tmp_path}/disk/{run.name}
    """)
    assert done.returncode == 2, done.stderr
    assert done.stderr == f"lesion: run {run.name} cannot begin, disk full: free space, then lesion resume {run.name}\n"
