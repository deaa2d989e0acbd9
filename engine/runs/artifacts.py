"""The artifacts folder of a run."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from engine import files
from engine.record.directory import ARTIFACTS
from engine.record.lines import unwritten


def keep(run: Path, contents: Mapping[str, str]) -> None:
    """Write files of a trial, by their names in the run directory, each whole or not at all, in place of what an
    earlier attempt at the trial left. Raises WriteError where one cannot be written."""
    for name, content in contents.items():
        try:
            with suppress(FileExistsError):
                (run / ARTIFACTS).mkdir()
            files.replace(run / name, content.encode(), below=run)
        except OSError as error:
            raise unwritten(name, run, error) from error
