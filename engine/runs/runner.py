"""The runner process: `python -m engine.runs.runner RUN`. Owns one run: hands out its trials and writes its journal.

SIGTERM, or a stop file, ends it after the current trial; a second SIGTERM at once. Exit status: 0 done or stopped,
1 failed on the way, 2 could not begin (the last line on stderr says why), 3 the same for want of room on the disk.
"""

import argparse
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.errors import LesionError
from engine.profile import Profile, grid, to_toml, versions
from engine.profile.packs import packs
from engine.profile.trust import check_code
from engine.record.directory import WORKER_LOG, read_profile
from engine.record.events import StartEvent, WarningEvent
from engine.record.lines import WriteError, is_full, unwritten
from engine.record.manifest import read_manifest
from engine.record.messages import Hello
from engine.record.seeking import Seeker
from engine.runs import manifest
from engine.runs.control import NO_ROOM
from engine.runs.devices import choose
from engine.runs.dispatch import Dispatcher, StopRequests
from engine.runs.executor import LocalExecutor
from engine.runs.journal import Journal
from engine.runs.lock import Lock, LockLostError
from engine.runs.moves import Moves, moved, moves
from engine.runs.places import Place
from engine.runs.reporting import write_report
from engine.runs.tally import tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one run directory to its end and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engine.runs.runner", description="Run one run directory.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--device", help="in place of the profile's")
    parser.add_argument(
        "--model", nargs=2, action="append", default=[], metavar=("OLD", "NEW"), help="where a model lies now"
    )
    parser.add_argument("--trust-remote-code", action="store_true", help="let models and tasks run their own code")
    options = parser.parse_args(arguments)
    requests = StopRequests(options.run)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal it was started from may close
    signal.signal(signal.SIGTERM, requests.signal)
    signal.signal(signal.SIGINT, requests.signal)
    try:
        places = moves(options.run, dict(options.model))
        profile = moved(options.run, places)
        check_code(profile, options.trust_remote_code)
        lock = Lock(options.run)
        try:
            requests.clear()
            life = _Life(options.run, lock, profile, places, options.device, options.trust_remote_code)
            return life.live(requests)
        finally:
            requests.clear()
            lock.release()
    except LesionError as error:
        _tell(str(error))
        return NO_ROOM if isinstance(error, WriteError) and error.full else 2
    except OSError as error:
        _tell(f"run {options.run} cannot be run: {error}")
        return NO_ROOM if is_full(error) else 2


def _tell(text: str) -> None:
    """To the log, which may lie on a full disk."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())


class _Life:
    """One life of a run: from start or resume to the event that says how it ended. Needs the run's lock."""

    def __init__(
        self, run: Path, lock: Lock, profile: Profile, places: Moves, device: str | None, trust_remote_code: bool
    ) -> None:
        """Mend the journal and work out what is left. `profile` is the run's, with models where they are now.

        Raises LesionError when the run cannot begin or go on.
        """
        self._run = run
        self._lock = lock
        self._profile = profile
        self._places = places
        self._trust_remote_code = trust_remote_code
        self._device = choose(device or profile.model.device)
        self._begun = time.time()
        before = tally(run)
        self._seconds_before = before.seconds(before.last)
        self._resumed = before.life_started is not None
        self._journal = Journal(run)
        known, searches = grid(read_profile(run), run, manifest.earlier(run))
        committed = {record.trial for record in self._journal.records}
        self._seeker = Seeker(searches, self._journal.records)
        self._total = len(known) + self._seeker.most
        self._packs = packs(known)
        every = [*known, *self._seeker.trials()]
        self._done = sum(not committed.isdisjoint(trial.keys) for trial in every)
        self._remarks = [*self._journal.remarks, *self._note_start()]
        if not self._resumed:
            self._remarks += read_manifest(run).get("left_out", {}).values()
        if strange := len(committed.difference(*(trial.keys for trial in every))):
            self._remarks.append(f"{strange} recorded trials are not of this profile, and stay as they are")

    def live(self, requests: StopRequests) -> int:
        """Run what is left, note how it ended and return the exit status."""
        try:
            self._say_start()
            spec = self._profile.run
            executor = LocalExecutor([Place(self._device)], self._hello, self._run / WORKER_LOG, spec.start_seconds)
            dispatcher = Dispatcher(
                self._run, self._packs, self._seeker, spec.attempts, self._journal, executor, self._device, self._check
            )
            state = dispatcher.work(requests)
            if state == "done":
                self._report(requests)
            self._say_end(state, "")
            return 0
        except LockLostError as error:  # the run's files are another's
            _tell(str(error))
        except LesionError as error:
            self._say_failed(self._missing() or str(error))
        except OSError as error:
            self._say_failed(str(unwritten(Path(error.filename or "a file").name, self._run, error)))
        except Exception as error:
            self._say_failed(f"the runner met an error it does not know, see runner.log: {error!r}")
            _tell(traceback.format_exc())
        finally:
            self._journal.close()
        return 1

    def _report(self, requests: StopRequests) -> None:
        """Whatever is wrong with it is a warning, and no fault of the run."""
        if self._profile.analysis.report and (why := write_report(self._run, lambda: requests.asked() is not None)):
            self._journal.note(WarningEvent(text=why))

    def _note_start(self) -> list[str]:
        return manifest.start(
            self._run,
            versions(self._profile),
            devices=[self._device],
            threads=self._profile.run.threads,
            trust_remote_code=self._trust_remote_code,
        )

    def _say_start(self) -> None:
        event = StartEvent(
            event="resumed" if self._resumed else "started",
            total=self._total,
            done=self._done,
            seconds=self._seconds_before,
            pid=os.getpid(),
            host=socket.gethostname(),
        )
        self._journal.note(event)
        for remark in self._remarks:
            self._journal.note(WarningEvent(text=remark))

    def _check(self) -> None:
        self._journal.check()
        self._lock.check()

    def _missing(self) -> str:
        """What was taken away under the run, and is why it failed; empty where nothing was."""
        try:
            self._journal.check()
        except LesionError as error:
            return str(error)
        return ""

    def _say_failed(self, text: str) -> None:
        """First in the journal: what is kept free for this on a full disk would go to the log."""
        self._say_end("failed", text)
        _tell(text)

    def _say_end(self, state: str, text: str) -> None:
        self._journal.end(state, text, round(self._seconds_before + time.time() - self._begun, 3))

    def _hello(self, place: Place) -> Hello:
        return Hello(
            profile=to_toml(self._profile),
            folder=str(self._run.resolve()),
            device=place.device,
            threads=self._profile.run.threads or 1,
            trust_remote_code=self._trust_remote_code,
            batch=self._journal.batches(),
            places=self._places,
        )


if __name__ == "__main__":
    sys.exit(main())
