"""The Design screen: the profiles on disk, the chosen one as a form, and the plan it comes to."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList

from app.console.design.draft import Draft, faults
from app.console.design.plan import total
from app.console.design.plan_panel import PlanPanel
from app.console.design.profile_form import ProfileForm
from app.console.design.profile_list import ProfileList, find_profiles
from app.console.design.save_as import SaveAs
from app.console.design.surveyor import Surveyor
from app.console.shared.ask import Ask, ask_to_trust
from app.console.shared.pick import Pick
from app.console.shared.screen import LabScreen
from app.safe import line
from app.words import counted
from engine.errors import LesionError, RemoteCodeError

if TYPE_CHECKING:
    from app.console.app import LesionApp
    from engine.profile import Profile
    from engine.runs.survey import Survey
    from engine.runs.timing import Expected

_PAUSE = 0.15
_LONG_PAUSE = 0.5
"""Seconds without a keystroke before the profile is checked, and from there before its models are looked at."""


class DesignScreen(LabScreen):
    """Chooses, edits, saves and runs profiles. Drafts are kept per file: looking elsewhere loses no edit."""

    MODE = "design"
    AUTO_FOCUS = "#profiles"
    WORDS = (
        ("profile", "a TOML file that describes a whole experiment; ● marks one with unsaved edits"),
        ("trial", "one model, damage, group, level and seed, with everything measured on it"),
        ("baseline", "the same measurements on the undamaged model; every trial is compared with it"),
        ("damage", "a method at each of its levels, on each of its parameter groups"),
        ("level", "the dose of a method; its meaning and bounds are shown at the foot of the form"),
        ("seed", "a repetition with other random draws"),
        ("memory", "an estimate of what a model needs while it is damaged and measured, against what is free now"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r,f5", "run", "Run", key_display="^r", tooltip="start this profile and watch it"),
        Binding("ctrl+s", "save", "Save", key_display="^s", tooltip="save this profile as TOML"),
        Binding("escape", "back", "List", key_display="esc", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._drafts: dict[Path | None, Draft] = {}
        self._draft: Draft | None = None
        self._surveyor = Surveyor()
        self._survey: Survey | None = None
        self._profiles = ProfileList()
        self._find = Input(id="find", placeholder="words of name or description", compact=True)
        self._find.display = False
        self._form = ProfileForm()
        self._plan = PlanPanel()

    @property
    def lab(self) -> "LesionApp":
        """The app, by its own type."""
        return cast("LesionApp", self.app)

    def body(self) -> Iterable[Widget]:
        with Container(id="design"):
            with Vertical(id="shelf"):
                yield self._find
                yield self._profiles
            yield self._form
            yield self._plan

    def on_mount(self) -> None:
        self._list_profiles()

    def on_unmount(self) -> None:
        self._surveyor.close()

    def commands(self) -> Iterable[SystemCommand]:
        yield SystemCommand("Run", "Start this profile and watch it", self.action_run)
        yield SystemCommand("Save", "Save this profile as TOML", self.action_save)

    def unsaved(self) -> list[str]:
        return [draft.name or "untitled" for draft in self._drafts.values() if draft.edited]

    # The list

    @work(exclusive=True, group="list")
    async def _list_profiles(self, mark: Path | None = None) -> None:
        """Reads the folders of profiles anew, away from the screen's own thread: they may be on a slow disk."""
        own = await asyncio.to_thread(find_profiles, self.lab.profiles)
        shipped = await asyncio.to_thread(find_profiles, self.lab.shipped, "shipped/") if self.lab.shipped else []
        profiles = self._profiles
        profiles.show([*own, *shipped], self._edited())
        if mark is not None:
            profiles.mark(mark)

    def _edited(self) -> set[Path]:
        return {path for path, draft in self._drafts.items() if path is not None and draft.edited}

    @on(OptionList.OptionHighlighted, "#profiles")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        path = Path(event.option.id) if event.option.id else None
        if path is not None and (self._draft is None or self._draft.path != path):
            self._open(path)

    @on(OptionList.OptionSelected, "#profiles")
    def _selected(self) -> None:
        self._enter_form()

    def _enter_form(self) -> None:
        """Puts the focus in the form, which a folded screen shows in the place of the list."""
        self.add_class("-editing")
        self._form.focus_first()

    def _open(self, path: Path) -> None:
        """Puts a profile from disk, or its draft, in the form."""
        try:
            draft = self._drafts.get(path) or Draft.read(path)
        except LesionError as error:
            self._draft = None
            self._form.edit(None)
            self._plan.show_faults([], [str(error)])
            self._name_it()
            return
        self._edit(draft)

    def _edit(self, draft: Draft) -> None:
        self._drafts[draft.path] = self._draft = draft
        self._form.edit(draft)
        self._name_it()
        self._check()

    def _name_it(self) -> None:
        """Says at the top of the form and in the masthead which profile this is, and whether it is saved."""
        draft = self._draft
        file = draft.path.name if draft and draft.path else "not saved yet" if draft else ""
        mark = " ●" if draft and draft.edited else ""
        title = Content(f"Profile: {line(file)}{mark}" if draft else "Profile")
        if self._form.border_title != title:
            self._form.border_title = title
        self.place(f"{draft.name}{mark}" if draft else "")

    # Checking what was typed

    @on(ProfileForm.Changed)
    def _changed(self) -> None:
        self._name_it()
        self._profiles.flag(self._edited())
        self._check()

    @work(exclusive=True, group="check")
    async def _check(self) -> None:
        """Checks the draft once the typing pauses, then asks what its models need. A newer edit cancels this."""
        await asyncio.sleep(_PAUSE)
        if self._draft is None:
            return
        profile = await self._checked(self._draft)
        if profile is None:
            return
        plan = self._plan
        plan.show_plan(profile)
        self._survey = None
        await asyncio.sleep(_LONG_PAUSE)
        try:
            self._survey = await self._surveyor.ask(profile)
        except LesionError as error:
            plan.show_memory(f"No estimate: {error}")
        else:
            plan.show_memory(self._survey)
            about = await asyncio.to_thread(_expected, profile, self._survey, self.lab.results)
            plan.show_memory(self._survey, about)

    async def _checked(self, draft: Draft) -> "Profile | None":
        """The profile in the draft; None, with the faults shown, when it is not valid."""
        form, plan = self._form, self._plan
        try:
            profile = await asyncio.to_thread(draft.copy().profile)
        except LesionError as error:
            places, sentences = form.show_faults(faults(error))
            plan.show_faults(places, sentences)
            form.border_subtitle = counted(len(places) + len(sentences), "mistake")
            return None
        form.show_faults([])
        form.border_subtitle = counted(total(profile), "trial")
        return profile

    # Keys

    def action_back(self) -> None:
        """Puts the focus on the list."""
        self.remove_class("-editing")
        if self._find.display and self.focused in (self._find, self._profiles):
            self._find.value, self._find.display = "", False
        self.set_focus(self._profiles)

    def action_find(self) -> None:
        """Opens the line that narrows the list of profiles."""
        self._find.display = True
        self.set_focus(self._find)

    @on(Input.Changed, "#find")
    def _sought(self, event: Input.Changed) -> None:
        self._profiles.narrow(event.value)

    @on(Input.Submitted, "#find")
    def _found(self) -> None:
        self.set_focus(self._profiles)

    def action_new_profile(self) -> None:
        """Opens a small example that has no file yet; one that was begun before is gone on with."""
        self._edit(self._drafts.get(None) or Draft.example())
        self._enter_form()

    def action_open_profile(self) -> None:
        """Lets the user find a profile by typing part of its name or description."""
        files = {file.place: file for file in self._profiles.files}

        def opened(name: str | None) -> None:
            if name is not None:
                self._profiles.mark(files[name].path)

        choices = [(name, file.description) for name, file in files.items()]
        self.app.push_screen(Pick("Open profile", choices), opened)

    @work(exclusive=True, group="ask")
    async def action_save(self) -> None:
        """Asks for a name and saves, unless something is still wrong."""
        draft = self._draft
        if draft is None or not await self._sound(draft):
            return
        before = draft.path
        saved = await self.app.push_screen_wait(SaveAs(draft, self.lab.profiles))
        if saved is not None:
            self._drafts.pop(before, None)
            self.lab.say(f"Saved {saved}")
            self._edit(draft)
            self._list_profiles(saved)

    @work(exclusive=True, group="ask")
    async def action_run(self) -> None:
        """Makes a run of the draft, saved or not, starts it in the background and goes to the Live screen."""
        draft = self._draft
        if draft is None or not await self._sound(draft):
            return
        if not await self._accepted():
            return
        wanting = [str(model.error) for model in (self._survey.models if self._survey else ()) if model.wants_code]
        if wanting and not await self._trusted(wanting[0]):
            return
        run = await self._begun(draft.copy(), bool(wanting))
        if run is not None:
            await self.lab.watch_run(run)

    async def _begun(self, draft: Draft, trust: bool) -> Path | None:
        """A new run of the draft, under way; asks again where its tasks bring code. None where there is none."""
        self.lab.say("Starting…")
        try:
            with self.lab.keyboard.held():
                return await asyncio.to_thread(_begin, draft, self.lab.results, trust)
        except RemoteCodeError as error:
            if not trust and await self._trusted(str(error)):
                return await self._begun(draft, True)
        except LesionError as error:
            self.lab.report(error)
        return None

    async def _trusted(self, reason: str) -> bool:
        return await self.app.push_screen_wait(ask_to_trust(reason)) is True

    async def _sound(self, draft: Draft) -> bool:
        """Whether the draft is valid; when not, the focus goes to what is wrong."""
        with self.lab.keyboard.held():  # the next keys are for what opens then
            profile = await self._checked(draft)
        if profile is not None:
            return True
        self.lab.report("The profile has mistakes in it: mend what is marked in red first.")
        self._enter_form()
        return False

    async def _accepted(self) -> bool:
        """Whether to run although a model will not fit, as far as is known; with `fit` it is left out."""
        left_out = self._draft is not None and self._draft.get("model.fit") is True
        models = self._survey.models if self._survey and not left_out else ()
        large = [line(model.name) for model in models if not model.error and not model.fits]
        if not large:
            return True
        question = f"{', '.join(large)}: more memory is needed than is free. Its trials may end as 'oom'."
        answer = await self.app.push_screen_wait(Ask("Run anyway?", question, "Run", "Back"))
        return answer is True


def _expected(profile: "Profile", survey: "Survey", results: Path) -> "Expected":
    """About how long a run of the profile will take."""
    from engine.runs.timing import expected

    models = [model for model in survey.models if model.fits or not profile.model.fit]
    share = total(profile) // len(profile.model.names)
    return expected(profile, {model.name: share for model in models}, models, results)


def _begin(draft: Draft, results: Path, trust: bool) -> Path:
    """A new run of the draft, under way. Raises LesionError when it cannot be written or started."""
    from engine.runs import create, start

    run = create(draft.profile(), results, source=draft.path, trust_remote_code=trust)
    start(run, trust_remote_code=trust)
    return run
