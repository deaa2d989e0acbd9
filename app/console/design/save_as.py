"""Asks under which name a profile is saved. An existing file is replaced only after a second Enter."""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from app.console.design.draft import Draft
from app.console.shared.dialog import Dialog
from app.safe import line
from engine.errors import LesionError


class SaveAs(Dialog[Path]):
    """Saves a draft below the profiles folder; the result is the file."""

    def __init__(self, draft: Draft, folder: Path) -> None:
        super().__init__()
        self._draft = draft
        self._folder = folder
        self._confirmed: Path | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Save the profile as"
            box.border_subtitle = "enter save   esc back"
            yield Static(f"in {line(self._folder)}", classes="muted", markup=False)
            yield Input(self._proposal(), compact=True, select_on_focus=False)
            yield Static("", classes="answer", markup=False)

    def _proposal(self) -> str:
        """Its own file, as seen from the folder; a new profile goes by its name."""
        path = self._draft.path
        if path is not None and path.is_relative_to(self._folder):
            return str(path.relative_to(self._folder))
        return f"{line(self._draft.name) or 'untitled'}.toml"

    @on(Input.Changed)
    def _typed(self) -> None:
        self._confirmed = None
        self._answer("", "muted")

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        try:
            path = _target(self._folder, event.value)
            if path.exists() and path != self._confirmed:
                self._confirmed = path
                self._answer(f"{path.name} is already there. Enter again replaces it; or type another name.", "warn")
                return
            self._draft.save(path)
        except LesionError as error:
            self._answer(str(error), "bad")
        else:
            self.dismiss(path)

    def _answer(self, text: str, kind: str) -> None:
        answer = self.query_one(".answer", Static)
        answer.set_classes(f"answer {kind}")
        answer.update(line(text))


def _target(folder: Path, typed: str) -> Path:
    """The file that a typed name means. Raises LesionError for no name, or one outside the folder."""
    name = line(typed)
    if not name or name.endswith("/"):
        raise LesionError("Give the file a name, as my-study or pythia/my-study.")
    path = folder / (name if name.endswith(".toml") else f"{name}.toml")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise LesionError(f"Profiles are kept in {folder}; give a name inside it, as my-study or pythia/my-study.")
    return path
