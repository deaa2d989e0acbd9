"""JSON lines: written so that every number survives and a crash costs the last line at most; read strictly or not."""

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from engine import files
from engine.errors import LesionError
from engine.record.kinds import word

Plain = dict[str, Any]
"""A JSON object as it stands in a file or on a pipe; nothing but this room looks into one."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class WriteError(LesionError):
    """A file of a run could not be written; what was half written has been cut off again. `full`: for want of room."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


def encode(record: Mapping[str, Any]) -> bytes:
    """One line of JSON with its newline; floats that are not finite become "nan", "inf" and "-inf"."""
    return json.dumps(_finite(record), separators=(",", ":"), allow_nan=False).encode() + b"\n"


def complete_lines(path: Path, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """Each line from byte `start` on that ends in a newline, with the offset of its end; none where there is no file.

    A last line without a newline is one that a crash tore, or one that is being written: it is left out.
    Raises LesionError when the file cannot be read, or its folder is gone.
    """
    with _readable(path), files.reading(path) as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            yield line, start


def complete_blocks(path: Path, start: int = 0, size: int = 1 << 23) -> Iterator[bytes]:
    """The same lines, many at once: blocks of about `size` bytes, each of which ends in a newline. Raises as
    `complete_lines` does."""
    with _readable(path), files.reading(path) as file:
        file.seek(start)
        rest = b""
        while read := file.read(max(size, len(rest))):  # a line without end must not be copied again and again
            whole, newline, rest = (rest + read).rpartition(b"\n")
            if newline:
                yield whole + newline


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """While entered, a file that is not there is an empty one, and why another cannot be read is a LesionError."""
    try:
        yield
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise LesionError(f"{path.parent} is gone: its folder was deleted or moved") from None
    except OSError as error:
        raise LesionError(f"{path} cannot be read: {error.strerror}") from error


def complete_size(path: Path, window: int = 65536) -> int:
    """Bytes of the file up to its last newline: what stays of it when a torn last line is cut off.

    Raises LesionError when the file cannot be read.
    """
    try:
        with files.reading(path) as file:
            return _complete_size(file, window)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise LesionError(f"{path} cannot be read: {error.strerror}") from error


def _complete_size(file: BinaryIO, window: int) -> int:
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - window)
        file.seek(start)
        if (newline := file.read(end - start).rfind(b"\n")) >= 0:
            return start + newline + 1
        end = start
    return 0


def last_line(path: Path, window: int = 65536) -> bytes:
    """The last line that ends in a newline, looked for in the last `window` bytes; empty where there is none."""
    try:
        with files.reading(path) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - window))
            return file.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
    except OSError:
        return b""


def parse(line: bytes) -> Plain | None:
    """The JSON object of one line; None where the line is not one."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parse_quickly(line: bytes) -> Plain | None:
    """The same in a fifth of the time, and None also of what only `parse` reads: NaN, halves of a character, numbers
    that no float holds. Integers of more than 64 bits become floats."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


class LineFile:
    """A file of JSON lines open for appending. One process writes it: the runner that holds the run's lock."""

    def __init__(self, path: Path) -> None:
        """Raises WriteError when the file cannot be opened."""
        self.path = path
        try:
            made = not files.is_present(path)
            self._file = files.descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            if made:
                files.sync_folder(path.parent)
        except OSError as error:
            raise write_error(self.path, error) from error

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return os.fstat(self._file).st_size

    def append(self, records: Sequence[Mapping[str, Any]], *, sync: bool) -> None:
        """Append one line a record; with `sync` they are on the disk on return.

        Raises WriteError when the disk is full or fails; the file then ends where it ended before.
        """
        content = b"".join(map(encode, records))
        before = self.size
        try:
            while content:
                content = content[os.write(self._file, content) :]
            if sync:
                os.fsync(self._file)
        except OSError as error:
            self.cut(before)
            raise write_error(self.path, error) from error

    def cut(self, size: int) -> None:
        """Drop everything after the first `size` bytes."""
        try:
            os.ftruncate(self._file, size)
            os.fsync(self._file)
        except OSError as error:
            raise write_error(self.path, error) from error

    def is_in_place(self) -> bool:
        """Whether what is written is found at the path: False once the file was deleted, moved or replaced."""
        try:
            return os.path.samestat(os.fstat(self._file), self.path.lstat())
        except OSError:
            return False

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` in place of the file in one step: a reader sees the old or the new, a crash leaves one of them.

    Raises WriteError.
    """
    try:
        files.replace(path, content)
    except OSError as error:
        raise write_error(path, error) from error


def is_full(error: OSError) -> bool:
    """Whether there was no room for what was to be written."""
    return error.errno in _FULL


def write_error(path: Path, error: OSError) -> WriteError:
    """The sentence about a file directly in a run directory that could not be written."""
    return unwritten(path.name, path.parent, error)


def unwritten(what: str, run: Path, error: OSError) -> WriteError:
    """The sentence about something of a run that could not be written: why, and how that is mended."""
    why, mend = (f"disk full ({error.strerror})", "free space") if is_full(error) else (error.strerror, "mend that")
    text = f"{what} of run {run.name} could not be written, {why}: {mend}, then lesion resume {run.name}"
    return WriteError(text, full=is_full(error))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return word(value)
