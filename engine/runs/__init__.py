"""Runs: the run directory, the process that writes it, and everything that reads it. Nothing here loads torch."""

from engine.record.directory import find, profile_file, read_profile
from engine.record.lines import WriteError
from engine.record.manifest import read_manifest
from engine.record.records import find_trial, read_generations, read_tolerant, read_trials
from engine.runs.control import create, is_complete, repeat, start, stop
from engine.runs.status import RunStatus, eta, status
from engine.runs.summaries import RunSummary, summaries, summary
from engine.runs.watch import Update, Watch

__all__ = [
    "RunStatus",
    "RunSummary",
    "Update",
    "Watch",
    "WriteError",
    "create",
    "eta",
    "find",
    "find_trial",
    "is_complete",
    "profile_file",
    "read_generations",
    "read_manifest",
    "read_profile",
    "read_tolerant",
    "read_trials",
    "repeat",
    "start",
    "status",
    "stop",
    "summaries",
    "summary",
]
