"""The files a runner appends to: committing trials, noting events, and mending what a crash left half done."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine import files
from engine.errors import LesionError
from engine.record.directory import EVENTS, GENERATIONS, RESERVE, TRIALS
from engine.record.events import Event, StateEvent
from engine.record.lines import (
    LineFile,
    WriteError,
    complete_lines,
    complete_size,
    parse,
    unwritten,
    write_whole,
)
from engine.record.records import read_journal, read_tolerant, read_trials, short_of_texts
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

_RESERVE_BYTES = 16384


class Journal:
    """A run's trials.jsonl, generations.jsonl and events.jsonl. Only for the runner that holds the run's lock."""

    def __init__(self, run: Path) -> None:
        """Open the files and cut off what a crash left half written.

        Raises LesionError when a line in the middle is corrupt or a file cannot be written.
        """
        self._run = run
        self._trials = LineFile(run / TRIALS)
        self._generations = LineFile(run / GENERATIONS)
        self._events = LineFile(run / EVENTS)
        self._trials.cut(complete_size(run / TRIALS))
        self._events.cut(complete_size(run / EVENTS))
        self.records = read_trials(run)
        """What was committed before."""
        self.remarks = read_tolerant(run)[1]
        """What is odd about it, as sentences."""
        self.remarks += [
            f"{GENERATIONS} lacks texts of trial {trial}: delete its line in {TRIALS}, and lesion resume runs it again"
            for trial in short_of_texts(run, self.records)
        ]
        self._mend_generations()
        self._keep_reserve()
        self._batches: dict[str, dict[str, int]] = {}
        for record in self.records:
            self._note_batches(record)

    def commit(self, record: TrialRecord, generations: Sequence[TextRecord]) -> None:
        """Bring one finished trial to the disk: its texts, then its line, whose presence is what makes it count.

        Raises WriteError when the disk is full or fails; then nothing of the trial is left behind.
        """
        before = self._generations.size
        if generations:
            self._generations.append([text.encode() for text in generations], sync=True)
        try:
            self._trials.append([record.encode()], sync=True)
        except WriteError:
            self._generations.cut(before)
            raise
        self._note_batches(record)

    def batches(self) -> dict[str, dict[str, int]]:
        """The batch size that each measurement was last brought to, by model: what fitted in memory."""
        return self._batches

    def note(self, event: Event) -> None:
        """Tell whoever watches of an event. Raises WriteError."""
        self._events.append([event.encode()], sync=False)

    def check(self) -> None:
        """Raises LesionError where a journal or the whole run directory was deleted, moved or replaced."""
        name = self._run.name
        if not self._run.is_dir():
            raise LesionError(f"the directory of run {name} was deleted or moved while it ran: nothing can be recorded")
        for file in (self._trials, self._generations, self._events):
            if not file.is_in_place():
                gone = f"{file.path.name} of run {name} was deleted or replaced while it ran"
                raise LesionError(f"{gone}: bring it back if you can, then lesion resume {name} runs what is missing")

    def end(self, state: str, text: str, seconds: float) -> None:
        """Note how the run ended, on a full disk in the room that was kept for this. Never raises."""
        event = StateEvent(state=state, text=text, seconds=seconds)
        self._drop_reserve()
        with suppress(WriteError):
            if self._run.is_dir() and not self._events.is_in_place():  # a new file can still tell why the run ended
                self._events.close()
                self._events = LineFile(self._run / EVENTS)
            self._events.append([event.encode()], sync=True)

    def close(self) -> None:
        """Close the files."""
        for file in (self._trials, self._generations, self._events):
            file.close()

    def _note_batches(self, record: TrialRecord) -> None:
        self._batches.setdefault(record.model, {}).update(record.batch or {})

    def _mend_generations(self) -> None:
        """Drop the texts of trials that never got their line, so that the file is as if the crash had not happened."""
        committed = {record.trial for record in self.records}
        lines = [(_trial_of(line), end) for line, end in complete_lines(self._run / GENERATIONS)]
        kept = max((end for trial, end in lines if trial in committed), default=0)
        between = {trial for trial, end in lines if end < kept} - committed
        if None in between:
            read_journal(self._run, TextRecord)  # raises, naming the line
        self._generations.cut(kept)
        if between:
            self._drop_strays(committed)

    def _drop_strays(self, committed: set[str]) -> None:
        """Texts between those of committed trials whose own trial line is gone: someone deleted it to run it again."""
        path = self._run / GENERATIONS
        kept = [line for line, _ in complete_lines(path) if _trial_of(line) in committed]
        write_whole(path, b"".join(kept))
        self._generations.close()
        self._generations = LineFile(path)
        self.remarks.append(f"{path.name}: texts of trials that are no longer in {TRIALS} were dropped")

    def _keep_reserve(self) -> None:
        try:
            files.replace(self._run / RESERVE, os.urandom(_RESERVE_BYTES))  # zeros take no room on disks that compress
        except OSError as error:
            self._drop_reserve()
            raise unwritten(f"the reserve ({RESERVE})", self._run, error) from error

    def _drop_reserve(self) -> None:
        with suppress(OSError):
            (self._run / RESERVE).unlink()


def _trial_of(line: bytes) -> str | None:
    """The trial that a line names; None where it names none."""
    trial = (parse(line) or {}).get("trial")
    return trial if isinstance(trial, str) else None
