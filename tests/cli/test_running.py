"""Real runs of the command: progress off and on a terminal, Ctrl-C, stop, attach, resume, replay, plan."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import runs
from engine.runs import RunStatus
from tests.cli.conftest import COMMAND, ROOT, Lesion, WriteProfile

MANY = "count = 20000"


class Terminal:
    """A pseudo-terminal of 80 × 24 that the command runs in, and everything it showed."""

    def __init__(self, *arguments: str | Path) -> None:
        self.text = ""
        self.process, self._terminal = pty.fork()
        if self.process == 0:
            os.chdir(ROOT)
            os.environ.update(TERM="xterm-256color", COLUMNS="80", LINES="24", OMP_NUM_THREADS="1")
            os.execv(COMMAND[0], [*COMMAND, *map(str, arguments)])

    def wait_for(self, pattern: str) -> None:
        """Read until the pattern shows; fail where the command ends before."""
        while not re.search(pattern, self.text):
            assert self._read(), self.text

    def press_ctrl_c(self) -> None:
        os.write(self._terminal, b"\x03")

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self._terminal)
        os.waitpid(self.process, 0)

    def end(self) -> int:
        """Exit status once the command has ended."""
        while self._read():
            pass
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def _read(self) -> str:
        try:
            got = os.read(self._terminal, 65536).decode(errors="replace")
        except OSError:  # Linux says EIO where the other side has closed
            return ""
        self.text += got
        return got


def endless(profile: WriteProfile) -> Path:
    """A profile of many trials, each so long that they do not come to an end while a busy host is looked at."""
    path = profile("count = 2", MANY)
    path.write_text(path.read_text().replace("documents = 2", "documents = 64"))
    return path


def wait_for_state(run: Path, state: str) -> RunStatus:
    while (now := runs.status(run)).state != state:
        assert now.state in ("running", "stopping"), now
        time.sleep(0.1)
    return now


def only_run(results: Path) -> Path:
    (run,) = (path for path in results.iterdir() if path.is_dir())
    return run


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    """A results folder; whatever a failed test left running in it is stopped."""
    folder = tmp_path / "results"
    yield folder
    for run in folder.iterdir() if folder.exists() else ():
        if runs.status(run).state in ("running", "stopping"):
            runs.stop(run, now=True)


def test_run_off_a_terminal_tells_a_line_a_trial_and_one_line_of_json(
    lesion: Lesion, profile: WriteProfile, results: Path
) -> None:
    done = lesion("run", profile(), "--json", "--results", results)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    summary = json.loads(line)
    assert list(summary) == ["run", "trials", "ok", "failed", "oom", "seconds"]
    assert summary["run"] == str(only_run(results))
    assert (summary["trials"], summary["ok"], summary["failed"], summary["oom"]) == (3, 3, 0, 0)
    assert summary["seconds"] > 0
    for expected in ("1/3 petri-16k baseline seed 42: perplexity", "3/3 petri-16k mult_gauss attn_only 0.5 seed 43"):
        assert expected in done.stderr
    assert "\x1b" not in done.stderr
    assert re.search(r"^done: 3 of 3 trials in .*: 3 ok, 0 failed, 0 out of memory$", done.stderr, re.MULTILINE)


def test_resuming_a_finished_run_says_that_it_is_done(lesion: Lesion, finished_run: Path) -> None:
    done = lesion("resume", finished_run, "--json")
    assert done.returncode == 0
    assert "is done: nothing is left to run" in done.stderr
    assert json.loads(done.stdout)["ok"] == 12


def test_replay_repeats_every_number_and_text(lesion: Lesion, finished_run: Path, results: Path) -> None:
    done = lesion("replay", finished_run, "--verify", "--quiet", "--results", results)
    assert done.returncode == 0, done.stderr
    assert "equal bit for bit: 12 trials and 24 texts compared" in done.stderr


def test_a_run_outlives_its_terminal_and_can_be_attached_stopped_and_resumed(
    lesion: Lesion, profile: WriteProfile, results: Path
) -> None:
    first = Terminal("run", endless(profile), "--results", results)
    first.wait_for(r"[█░] \d+/20001 · .* trials/s · .* left")
    first.wait_for(r"RAM .* of .* \(worker ")
    first.wait_for(r"last: petri-16k .*perplexity \d")
    first.hang_up()
    run = only_run(results)
    before = len(runs.read_trials(run))
    while len(runs.read_trials(run)) <= before + 5:
        assert runs.status(run).state == "running"

    watching = Terminal("attach", run.name, "--results", results)
    watching.wait_for(r"trials/s")
    watching.press_ctrl_c()
    assert watching.end() == 130
    assert "the run goes on" in watching.text
    assert runs.status(run).state == "running"
    assert "is being run by process" in lesion("resume", run).stderr

    assert lesion("stop", "small", "--results", results).returncode == 0
    recorded = wait_for_state(run, "stopped").done
    assert lesion("attach", run).returncode == 130

    resumed = Terminal("resume", run)
    resumed.wait_for(rf"[█░] (?!{recorded}/)\d+/20001 · .* trials/s")
    resumed.press_ctrl_c()
    assert resumed.end() == 130
    assert "finishing the current trial" in resumed.text
    ended = runs.status(run)
    assert ended.state == "stopped"
    assert recorded < ended.done == len(runs.read_trials(run)) < 20001
    assert f"stopped: {ended.done} of 20001 trials" in resumed.text


def test_a_second_ctrl_c_off_a_terminal_stops_at_once(profile: WriteProfile, results: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "run", str(endless(profile)), "--results", str(results)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("run ")
    process.send_signal(signal.SIGINT)
    assert any("finishing the current trial" in line for line in process.stderr)  # after what the worker is at
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate()
    assert process.returncode == 130
    assert "stopping now" in rest or "stopped: " in rest
    assert runs.status(only_run(results)).state == "stopped"


def test_a_detached_run_with_failed_trials_gives_status_1_to_whoever_attaches(
    lesion: Lesion, profile: WriteProfile, results: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "gpt2"}')
    started = lesion("run", profile('"petri-16k"', f'"petri-16k", "{broken}"'), "--detach", "--results", results)
    assert started.returncode == 0, started.stderr
    assert started.stdout == f"{only_run(results)}\n"
    done = lesion("attach", started.stdout.strip(), "--json")
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["ok"], summary["failed"]) == (3, 3)
    assert "Traceback" not in done.stderr


def test_plan(lesion: Lesion, profile: WriteProfile) -> None:
    found = json.loads(lesion("plan", profile(), "--json").stdout)
    assert (found["trials"], found["baselines"], found["seeds"]) == (3, 1, [42, 43])
    assert found["cells"] == [
        {"model": "petri-16k", "method": "none", "group": None, "trials": 1},
        {"model": "petri-16k", "method": "mult_gauss", "group": "attn_only", "trials": 2},
    ]
    (model,) = found["models"]
    assert model["fits"] is True
    assert (model["parameters"], model["error"]) == (35700, None)


def test_plan_as_a_table(lesion: Lesion, profile: WriteProfile) -> None:
    done = lesion("plan", profile())
    assert done.returncode == 0, done.stderr
    assert "small: 3 trials, seeds 42, 43" in done.stdout
    assert re.search(r"petri-16k\s+mult_gauss\s+attn_only\s+2$", done.stdout, re.MULTILINE)
    assert re.search(r"petri-16k\s+neox\s+35,700\s.*fits$", done.stdout, re.MULTILINE)


def test_plan_puts_single_layers_of_a_group_in_one_row(lesion: Lesion) -> None:
    planned = lesion("plan", "layer-scan").stdout
    assert re.search(r"petri-1m\s+mult_gauss\s+mlp_only, 9 layers one by one\s+18$", planned, re.MULTILINE)
    assert len(planned.split("\n\n")[1].splitlines()) == 1 + 1 + 6
