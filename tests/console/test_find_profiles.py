"""The list of profiles looks at every file and reads those that changed."""

import os
from pathlib import Path

from app.console.design.profile_list import find_profiles


def test_a_profile_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    """Content that changes while size, time and inode stay is not seen: so nothing was read."""
    path = tmp_path / "one.toml"
    path.write_text('name = "first"')
    os.utime(path, (1e9, 1e9))
    assert [file.name for file in find_profiles(tmp_path)] == ["first"]
    with path.open("r+") as file:
        file.write('name = "other"')
    os.utime(path, (1e9, 1e9))
    assert [file.name for file in find_profiles(tmp_path)] == ["first"]
    os.utime(path, (1e9 + 1, 1e9 + 1))
    assert [file.name for file in find_profiles(tmp_path)] == ["other"]
    path.write_text('name = "longer"')
    os.utime(path, (1e9 + 1, 1e9 + 1))
    assert [file.name for file in find_profiles(tmp_path)] == ["longer"]
    (tmp_path / "new").write_text('name = "newest"')
    os.utime(tmp_path / "new", (1e9 + 1, 1e9 + 1))
    (tmp_path / "new").replace(path)
    assert [file.name for file in find_profiles(tmp_path)] == ["newest"]


def test_profiles_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    (tmp_path / "gone.toml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.toml")
    assert [(file.name, file.fault) for file in find_profiles(tmp_path)] == [
        ("deep", True),
        ("gone", True),
        ("pipe", True),
    ]
