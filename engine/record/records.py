"""Reading what a run has recorded: its trials and its texts."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from engine.errors import LesionError, quoted
from engine.record.directory import GENERATIONS, TRIALS
from engine.record.lines import Plain, complete_lines, parse, parse_quickly
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

_MEND = {
    TRIALS: "delete that line, and lesion resume runs its trial again",
    GENERATIONS: f"delete that line and its trial's in {TRIALS}, and lesion resume runs the trial again",
}

_LONGEST_INDEX = 16  # digits; as many as a key has
_MOST_LISTED = 5

Recorded = TypeVar("Recorded", TrialRecord, TextRecord)

_FILES: dict[type, str] = {TrialRecord: TRIALS, TextRecord: GENERATIONS}


def read_trials(run: Path) -> list[TrialRecord]:
    """The committed trials in the order of the file; of a trial recorded twice, the first.

    Raises LesionError naming file and line where a line in the middle cannot be read.
    """
    return read_journal(run, TrialRecord)


def find_trial(run: Path, text: str) -> TrialRecord:
    """The recorded trial that `text` means: its key, an unambiguous part of one, or its index in the profile's grid.

    A number that is an index means that. Raises LesionError, listing candidates, where none or several fit.
    """
    records = read_trials(run)
    fitting = [record for record in records if text == record.trial]
    if not fitting and text.isdecimal():
        fitting = [record for record in records if len(text) < _LONGEST_INDEX and record.index == int(text)]
    fitting = fitting or [record for record in records if text and text.lower() in record.trial]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        keys = ", ".join(record.trial for record in fitting[:_MOST_LISTED])
        keys += f" and {len(fitting) - _MOST_LISTED} more" if len(fitting) > _MOST_LISTED else ""
        raise LesionError(f"{quoted(text)} fits {len(fitting)} trials of {run.name}: {keys}; give more of the key")
    last = max((record.index for record in records), default=None)
    there = "it has none yet" if last is None else f"give a key as lesion export lists them, or an index up to {last}"
    raise LesionError(f"run {run.name} has no trial {quoted(text)}: {there}")


def read_generations(run: Path) -> list[TextRecord]:
    """The generated texts of committed trials, in the order of the file.

    Raises LesionError naming file and line where a line in the middle cannot be read.
    """
    committed = {record.trial for record in read_trials(run)}
    return [text for text in read_journal(run, TextRecord) if text.trial in committed]


def read_journal(run: Path, cls: type[Recorded]) -> list[Recorded]:
    """All records of one journal of the run, strictly: see `read_trials`."""
    records, faults, _ = _scan(run, cls)
    if faults:
        raise LesionError(faults[0])
    return records


def read_tolerant(run: Path) -> tuple[list[TrialRecord], list[str]]:
    """The trials that can be read, and a sentence for each line that cannot or that does not count.

    A torn last line is neither: whoever wrote it never finished.
    """
    records, faults, repeats = _scan(run, TrialRecord)
    return records, faults + repeats


def short_of_texts(run: Path, records: Iterable[TrialRecord]) -> list[str]:
    """Those of the run's trials of whose texts some are no longer there.

    Raises LesionError where a line that cannot be read may be such a text.
    """
    texts, faults, _ = _scan(run, TextRecord)
    left = Counter(text.trial for text in texts)
    short = [record.trial for record in records if record.texts is not None and left[record.trial] < record.texts]
    if short and faults:
        raise LesionError(f"{faults[0]}; its trial is {short[0]}")
    return short


def read_line(line: bytes, cls: type[Recorded]) -> tuple[Recorded | None, str]:
    """The record of one line, or None and what keeps the line from being one."""
    plain = parse(line)
    if plain is None:
        return None, "is not a JSON object"
    wrong = cls.refusal(plain)
    return (None, wrong) if wrong else (cls.decode(plain), "")


def fault_words(path: Path, place: int, reason: str) -> str:
    """The sentence about a line of a journal that is no record."""
    return f"{path}, line {place}, {reason}: {_MEND[path.name]}"


def repeat_words(path: Path, place: int, first: int) -> str:
    """The sentence about a line whose trial an earlier line has recorded."""
    return f"{path}, line {place}, repeats the trial of line {first}, which is the one that counts"


def record_at(run: Path, start: int) -> TrialRecord | None:
    """The trial whose line begins at byte `start` of the journal; None where the journal was replaced since that was
    known. Raises LesionError where it cannot be read."""
    line = next((line for line, _ in complete_lines(run / TRIALS, start)), b"")
    return read_line(line, TrialRecord)[0]


def check_line(line: bytes, cls: type[Recorded]) -> tuple[Plain | None, str]:
    """The JSON object of one line that is a record, or None and what keeps the line from being one.

    Much quicker than `read_line`, which has the say where this finds none; but see `parse_quickly`.
    """
    plain = parse_quickly(line)
    if plain is not None and not cls.refusal(plain):
        return plain, ""
    record, reason = read_line(line, cls)
    return (None, reason) if record is None else (parse(line), "")


def _scan(run: Path, cls: type[Recorded]) -> tuple[list[Recorded], list[str], list[str]]:
    """Records, sentences about lines that cannot be read, sentences about trials recorded twice."""
    path = run / _FILES[cls]
    records: list[Recorded] = []
    faults: list[str] = []
    repeats: list[str] = []
    seen: dict[str, int] = {}
    for place, (line, _) in enumerate(complete_lines(path), start=1):
        record, reason = read_line(line, cls)
        if record is None:
            faults.append(fault_words(path, place, reason))
        elif cls is TrialRecord and (first := seen.setdefault(record.trial, place)) != place:
            repeats.append(repeat_words(path, place, first))
        else:
            records.append(record)
    return records, faults, repeats
