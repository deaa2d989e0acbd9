"""Opening files in folders that anyone may have filled, such as a run directory from elsewhere: plain files only.

No symbolic link is followed below the folder itself, so that nothing outside is read or overwritten, and no named pipe
or device is waited for. Whatever stands in the way is an OSError whose `strerror` says so in words.
"""

import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_ALWAYS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFLNK: "it is a symbolic link, which is not followed",
    stat.S_IFDIR: "it is a directory, not a file",
    stat.S_IFIFO: "it is a named pipe, not a file",
    stat.S_IFSOCK: "it is a socket, not a file",
    stat.S_IFREG: "it is a file",
}


def descriptor(path: Path, flags: int = os.O_RDONLY, *, below: Path | None = None) -> int:
    """An open descriptor of the plain file at `path`; `flags` as os.open takes them.

    `below` is the folder from which on no part of the path may be a link; the file's own where it is not given. Raises
    OSError where there is no such file, it is of another kind, or it cannot be opened.
    """
    with _folder(path, below) as folder:
        return _open(path.name, flags, folder)


def reading(path: Path, *, below: Path | None = None) -> BinaryIO:
    """The file open for reading. Raises OSError as `descriptor` does."""
    return os.fdopen(descriptor(path, below=below), "rb")


def read_bytes(path: Path, *, below: Path | None = None) -> bytes:
    """All bytes of the file. Raises OSError as `descriptor` does."""
    with reading(path, below=below) as file:
        return file.read()


def read_named(path: Path, most: int = -1) -> bytes:
    """All bytes, or so many at most, of a file that the user named himself, which a link may stand for. Raises OSError
    where it is no file, or cannot be read."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(mode := os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, _kind(mode))
    with os.fdopen(file, "rb") as opened:
        return opened.read(most)


def read_named_text(path: Path, encoding: str = "utf-8") -> str:
    """The same as text, every line ending "\\n". Raises OSError, and UnicodeDecodeError where it is no such text."""
    return io.TextIOWrapper(io.BytesIO(read_named(path)), encoding=encoding).read()


def appending(path: Path) -> BinaryIO:
    """The file open for appending, unbuffered, made where it is missing. Raises OSError as `descriptor` does."""
    return os.fdopen(descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab", buffering=0)


def replace(path: Path, content: bytes, *, below: Path | None = None, shared: bool = False) -> None:
    """Put `content` in place of the file in one step: a reader sees the old or the new, a crash leaves one of them.

    A link or pipe of that name is itself replaced. `shared`: several processes may do so at once, the last one counts,
    and a power cut may lose it. Raises OSError.
    """
    beside = f".{path.name}.{secrets.token_hex(4)}.new" if shared else f".{path.name}.new"
    with _folder(path, below) as folder:
        with suppress(FileNotFoundError):  # what a crash left
            os.unlink(beside, dir_fd=folder)
        try:
            with os.fdopen(_open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, folder), "wb") as file:
                file.write(content)
                file.flush()
                if not shared:
                    os.fsync(file.fileno())
            os.replace(beside, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            if not shared:
                _sync(folder)
        except OSError:
            with suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise


def is_plain(path: Path) -> bool:
    """Whether a plain file lies at `path`; False for a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def is_present(path: Path) -> bool:
    """Whether anything lies at `path`, a link to nothing included. Raises OSError where that cannot be told."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def odd_entry(folder: Path) -> str | None:
    """A sentence about the first thing in a folder, or `folder` itself, that is neither a plain file nor a folder of
    such; None where there is none, or no folder. Raises OSError where a folder cannot be read."""
    if not is_present(folder):
        return None
    mode = folder.lstat().st_mode
    if not stat.S_ISDIR(mode):
        return None if stat.S_ISREG(mode) else f"{folder} is not used: {_kind(mode)}"
    return next(filter(None, (odd_entry(path) for path in sorted(folder.iterdir()))), None)


def sync_folder(folder: Path) -> None:
    """Bring the folder's list of names to the disk, so that a new file is found again after a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot do this for folders
            raise


@contextmanager
def _folder(path: Path, below: Path | None) -> Iterator[int]:
    """A descriptor of the folder that `path` lies in, reached from `below` through no link."""
    below = path.parent if below is None else below
    if not path.is_relative_to(below) or ".." in (parts := path.relative_to(below).parts[:-1]):
        raise OSError(errno.EINVAL, f"it lies outside of {below}")
    folder = os.open(below, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            inner = _open_folder(part, folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _open(name: str, flags: int, folder: int) -> int:
    try:
        file = os.open(name, flags | _ALWAYS, 0o666, dir_fd=folder)
    except OSError as error:
        if not isinstance(error, FileExistsError) and (mode := _mode(name, folder)) and not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, _kind(mode), name) from error
        raise
    if not stat.S_ISREG(mode := os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, _kind(mode), name)
    return file


def _open_folder(name: str, folder: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | _ALWAYS, dir_fd=folder)
    except OSError as error:
        if (mode := _mode(name, folder)) and not stat.S_ISDIR(mode):
            raise OSError(errno.EINVAL, f"{name} is no folder: {_kind(mode)}") from error
        raise


def _mode(name: str, folder: int) -> int:
    """Kind and permissions of what bears the name; 0 where nothing does."""
    try:
        return os.lstat(name, dir_fd=folder).st_mode
    except OSError:
        return 0


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "it is a device, not a file")
