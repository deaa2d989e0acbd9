"""The plan: what the profile in the form comes to, in trials and in memory, and what to know before running it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from app.console.design.plan import Share, shares, total
from app.safe import line
from app.words import counted, duration, size
from engine import catalog
from engine.analysis.names import short_names
from engine.profile import Profile, remarks

if TYPE_CHECKING:
    from engine.runs.survey import Survey, SurveyedModel
    from engine.runs.timing import Expected

_SHOWN_LEVELS = 5


class PlanPanel(VerticalScroll):
    """Trials, memory a model, remarks; or what is still wrong with the profile."""

    def __init__(self) -> None:
        super().__init__(id="plan", classes="pane")
        self.border_title = "Plan"
        self._upper = Static("")
        self._lower = Static("")
        self._leaves_out = False

    def compose(self) -> ComposeResult:
        yield self._upper
        yield self._lower

    def show_faults(self, places: Sequence[str], sentences: Sequence[str]) -> None:
        """Shows that there is no plan yet: the places of the fields that are wrong, and faults that no field shows."""
        lines = [Text(line(sentence), style="error") for sentence in sentences]
        if places:
            lines.append(Text("The plan follows when these are right:", style="muted"))
            lines += [Text(f"✗ {line(place)}", style="error") for place in places]
        self._put(Group(*lines), Text(""))

    def show_plan(self, profile: Profile) -> None:
        """Shows the trials and the remarks; memory is being estimated."""
        self._leaves_out = profile.model.fit
        self._put(Group(*self._trials(profile)), Text(""))
        self.show_memory("estimating…")

    def show_memory(self, survey: "Survey | str", about: "Expected | None" = None) -> None:
        """Shows the memory that each model needs, or a sentence in its place, and about how long all will take."""
        heading = Text("\nMemory", style="title")
        if isinstance(survey, str):
            body: list[RenderableType] = [Text(line(survey), style="muted")]
        else:
            names = short_names(model.name for model in survey.models)
            body = [part for model in survey.models for part in self._model(model, line(names[model.name]))]
        if about is not None:
            body.append(Text("\nTime", style="title"))
            body.append(Text(f"about {duration(about.seconds)}"))
            body.append(Text(line(about.basis), style="muted"))
        self._lower.update(Group(heading, *body))

    def _put(self, upper: RenderableType, lower: RenderableType) -> None:
        self._upper.update(upper)
        self._lower.update(lower)

    def _trials(self, profile: Profile) -> Iterable[RenderableType]:
        models = len(profile.model.names)
        yield Text(counted(total(profile), "trial"), style="strong")
        each = "one model" if models == 1 else f"{models} models, each"
        yield Text(each, style="muted")
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(justify="right", style="accent")
        table.add_column()
        for share in shares(profile):
            table.add_row(f"{share.count:,}", self._share(share))
        yield table
        notes = remarks(profile)
        if notes:
            yield Text("\nRemarks", style="title")
            yield from (Text(f"! {_sentence(note)}", style="warning") for note in notes)

    def _share(self, share: Share) -> Text:
        if share.what == "baseline":
            return Text("baseline" if share.count == 1 else "baselines, one a seed")
        text = Text(f"{share.what} {line(share.place)}".rstrip())
        text.append("\n" + " × ".join(counted(*factor) for factor in share.factors), style="muted")
        level = catalog.method(share.what).level
        if level:
            text.append(f"\n{level.symbol} {_levels(share.levels)}", style="muted")
        return text

    def _model(self, model: "SurveyedModel", name: str) -> Iterable[RenderableType]:
        if model.error is not None:
            yield Text(f"✗ {name} cannot be read", style="error")
            yield Text(f"  {_sentence(model.error)}", style="muted")
            return
        mark, colour = ("✓", "warning" if model.batch else "success") if model.fits else ("✗", "error")
        verdict = model.verdict + (", left out" if self._leaves_out and not model.fits else "")
        yield Text.assemble((f"{mark} ", colour), name, (f" {verdict}", colour))
        yield Text(f"  {size(model.need_bytes)} of {size(model.free_bytes)} free", style="muted")
        yield Text(f"  {model.parameters:,} weights, {model.dtype}", style="muted")
        notes = [*model.notes, *(["published shape; the Hub was not reached"] if model.unreachable else [])]
        yield from (Text(f"! {_sentence(note)}", style="warning") for note in notes)


def _levels(levels: Sequence[float]) -> str:
    if len(levels) <= _SHOWN_LEVELS:
        return ", ".join(f"{level:g}" for level in levels)
    return ", ".join(f"{level:g}" for level in levels[: _SHOWN_LEVELS - 2]) + f" … {levels[-1]:g}"


def _sentence(text: str) -> str:
    text = line(text)
    return text[:1].upper() + text[1:]
