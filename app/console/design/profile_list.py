"""The profiles on disk, folder by folder, each with its one-line description."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.safe import line
from engine.profile import toml


@dataclass(frozen=True)
class ProfileFile:
    """A profile on disk, as the list shows it."""

    path: Path
    place: str
    """Its path below the folder it was looked for in, as `mlp-gain/petri.toml`."""
    name: str
    description: str
    fault: bool = False
    """It cannot be read; the description says so."""


def find_profiles(folder: Path, called: str = "") -> list[ProfileFile]:
    """Every profile below a folder: those in the folder itself first, then folder by folder. Empty if there is none.

    `called`: how the folder itself is called in the profiles' places, as "shipped/".
    """
    paths = sorted(folder.rglob("*.toml"), key=lambda path: (len(path.parents), str(path)))
    places = {path: called + path.relative_to(folder).as_posix() for path in paths if not path.name.startswith(".")}
    return [_glance(path, place) for path, place in places.items()]


def _glance(path: Path, place: str) -> ProfileFile:
    try:
        stat = path.stat()
        return _read(path, place, (stat.st_mtime_ns, stat.st_size, stat.st_ino))
    except OSError:
        return ProfileFile(path, place, path.stem, "cannot be read", fault=True)


@lru_cache(maxsize=4096)
def _read(path: Path, place: str, stamp: tuple[int, int, int]) -> ProfileFile:
    """Parsed anew only when time, size or inode of the file are others. Raises OSError, which is not remembered."""
    try:
        data = toml.loads(toml.text_of(path))
    except ValueError:
        return ProfileFile(path, place, path.stem, "cannot be read", fault=True)
    return ProfileFile(path, place, str(data.get("name") or path.stem), str(data.get("description") or ""))


class ProfileList(OptionList):
    """A list of profiles; a dot marks one that was edited and not saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Edit", tooltip="go to the form of this profile"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("slash", "screen.find", "Find", key_display="/", tooltip="narrow the list to what fits your words"),
        Binding("n", "screen.new_profile", "New", tooltip="start a new profile from a small example"),
    ]

    def __init__(self) -> None:
        super().__init__(id="profiles", classes="pane", compact=True)
        self.border_title = "Profiles"
        self.files: list[ProfileFile] = []
        self._edited: set[Path] = set()
        self._sought = ""

    def show(self, files: Iterable[ProfileFile], edited: set[Path]) -> None:
        """Lists the profiles; the highlighted one stays so."""
        self.files, self._edited = list(files), edited
        self._fill()

    def narrow(self, text: str) -> None:
        """Lists only the profiles whose place, name or description has every word of a text."""
        self._sought = text
        self._fill()

    def _fill(self) -> None:
        kept = self.highlighted_option.id if self.highlighted_option else None
        words = self._sought.lower().split()
        files = [file for file in self.files if all(word in _haystack(file) for word in words)]
        self.clear_options()
        for folder, group in groupby(files, key=lambda file: file.place.rpartition("/")[0]):
            if folder:
                self.add_option(Option(Content.styled(line(f"{folder}/"), "$primary"), disabled=True))
            self.add_options(Option(self._row(file), id=str(file.path)) for file in group)
        if not files:
            told = "no profile fits these words" if self.files else "none yet: n for a new one"
            self.add_option(Option(Content.styled(told, "$muted"), disabled=True))
        stays = kept in [str(file.path) for file in files]
        self.mark(Path(kept) if kept and stays else files[0].path if files else None)

    def flag(self, edited: set[Path]) -> None:
        """Marks the profiles that have unsaved edits."""
        changed, self._edited = self._edited ^ edited, edited
        shown = {option.id for option in self.options}
        for file in self.files:
            if file.path in changed and str(file.path) in shown:
                self.replace_option_prompt(str(file.path), self._row(file))

    def _row(self, file: ProfileFile) -> Content:
        twin = sum(other.name == file.name for other in self.files) > 1
        return _row(file, file.path in self._edited, twin)

    def mark(self, path: Path | None) -> None:
        """Highlights a profile."""
        ids = [option.id for option in self.options]
        if path is not None and str(path) in ids:
            self.highlighted = ids.index(str(path))


def _haystack(file: ProfileFile) -> str:
    return f"{file.place} {file.name} {file.description}".lower()


def _row(file: ProfileFile, edited: bool, twin: bool) -> Content:
    """With `twin`, another one has its name, and the file tells them apart."""
    file_name = (f" {line(file.path.name)}", "$muted") if twin and file.path.stem != file.name else ""
    name = Content.assemble(line(file.name), file_name, (" ●", "$accent") if edited else "")
    if not file.description:
        return name
    return Content.assemble(name, "\n", ("  " + line(file.description), "$error" if file.fault else "$muted"))
