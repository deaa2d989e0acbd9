"""Opening plain files only: through no link, waiting for no pipe, leaving everything outside as it was."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import files


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        home = Path.cwd()
        os.chdir(path.parent)  # a socket's path may not be long
        try:
            listener.bind(path.name)
        finally:
            os.chdir(home)


def link(path: Path) -> None:
    path.symlink_to(path.parents[1] / "outside")


def dangling(path: Path) -> None:
    path.symlink_to(path.parents[1] / "nothing")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD: dict[Callable[[Path], None], str] = {
    pipe: "it is a named pipe, not a file",
    bound_socket: "it is a socket, not a file",
    Path.mkdir: "it is a directory, not a file",
    link: "it is a symbolic link, which is not followed",
    dangling: "it is a symbolic link, which is not followed",
    device: "it is a symbolic link, which is not followed",
}


def refusal(use: Callable[..., object], *arguments: Path, **more: Path) -> str | None:
    """Why it was refused, in words."""
    try:
        use(*arguments, **more)
    except OSError as error:
        return error.strerror
    return pytest.fail("nothing was refused")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text("precious")
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.mark.parametrize("make", ODD)
def test_what_is_no_plain_file_is_refused_in_words(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "file")
    for use in (files.read_bytes, files.appending, lambda path: files.descriptor(path, os.O_RDWR | os.O_CREAT)):
        assert refusal(use, folder / "file") == ODD[make]
    assert not files.is_plain(folder / "file")
    assert files.is_present(folder / "file")
    assert (folder.parent / "outside").read_text() == "precious"
    assert not (folder.parent / "nothing").exists()


@pytest.mark.parametrize("make", [make for make in ODD if make is not Path.mkdir])
def test_replacing_touches_the_name_alone(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "file")
    make(folder / ".file.new")
    files.replace(folder / "file", b"new")
    assert files.read_bytes(folder / "file") == b"new"
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert (folder.parent / "outside").read_text() == "precious"
    assert not (folder.parent / "nothing").exists()


def test_a_folder_in_the_way_of_replacing(folder: Path) -> None:
    (folder / ".file.new").mkdir()
    with pytest.raises(IsADirectoryError):
        files.replace(folder / "file", b"new")


def test_folders_below_are_no_links_either(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "file").write_text("precious")
    (folder / "artifacts").symlink_to(folder.parent / "elsewhere")
    for use in (files.read_bytes, lambda path, below: files.replace(path, b"new", below=below)):
        said = refusal(use, folder / "artifacts" / "file", below=folder)
        assert said == "artifacts is no folder: it is a symbolic link, which is not followed"
    for outside in (folder.parent / "outside", folder / ".." / "outside", folder / "a" / ".." / ".." / "outside"):
        assert refusal(files.read_bytes, outside, below=folder) == f"it lies outside of {folder}"
    assert (folder.parent / "elsewhere" / "file").read_text() == "precious"


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    files.replace(folder.parent / "link" / "file", b"new")
    assert files.read_bytes(folder.parent / "link" / "file") == b"new"


def test_odd_entries_of_a_tree(folder: Path) -> None:
    assert files.odd_entry(folder / "inputs") is None
    (folder / "inputs" / "tasks").mkdir(parents=True)
    (folder / "inputs" / "tasks" / "a.yaml").write_text("")
    assert files.odd_entry(folder / "inputs") is None
    os.mkfifo(folder / "inputs" / "tasks" / "b.yaml")
    pipe_path = folder / "inputs" / "tasks" / "b.yaml"
    assert files.odd_entry(folder / "inputs") == f"{pipe_path} is not used: it is a named pipe, not a file"
    (folder / "more").symlink_to(folder / "inputs")
    assert files.odd_entry(folder / "more") == f"{folder / 'more'} is not used: {ODD[link]}"
