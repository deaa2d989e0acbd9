"""One trial beside its baseline: the metrics with their signed change, and the texts of the same prompts and seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.console.shared.figures import outcome_text, trial_words
from app.safe import line, styled
from app.words import duration, number, percent, signed, size
from engine import catalog
from engine.record.changes import change_pct
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord

if TYPE_CHECKING:
    from textual.app import ComposeResult

SIDE_BY_SIDE = 120  # columns of the terminal from which texts stand beside each other


_COSTS = ("s", "ms", "bytes", "B", "GB", "W", "J")
"""Units of what a measurement costs, which is no harm done to the model."""


class Scroll(VerticalScroll):
    """A part of the pane that scrolls by the keys of every list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]


class TrialDetail(Horizontal):
    """Metrics on the left, texts on the right; one above the other in a narrow terminal."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.trial: TrialRecord | None = None
        self._texts: list[tuple[TextRecord, TextRecord | None]] = []
        self._note = ""

    def compose(self) -> ComposeResult:
        with Scroll(id="metrics", classes="pane"):
            yield Static(id="figures", markup=False)
        with Scroll(id="texts", classes="pane"):
            yield Static(id="samples", markup=False)

    def on_mount(self) -> None:
        self.query_one("#metrics").border_title = "trial"
        self.query_one("#texts").border_title = "texts"

    def on_resize(self) -> None:
        self._draw_texts()

    @property
    def artifacts(self) -> list[str]:
        """The files that the trial left, by their names within the run."""
        return list((self.trial and self.trial.artifacts) or ())

    def show(self, trial: TrialRecord | None, baseline: TrialRecord | None) -> None:
        """Shows a trial's metrics; its texts follow with `show_texts`."""
        self.trial = trial
        shown = Text("no trial fits the filter") if trial is None else self._figures(trial, baseline)
        self.query_one("#figures", Static).update(shown)
        self.query_one("#metrics").border_title = Content("trial" if trial is None else trial_words(trial))
        self.show_texts([], [], "" if trial is None else "reading…")

    def show_texts(self, texts: Sequence[TextRecord], baseline: Iterable[TextRecord], note: str = "") -> None:
        """Pairs each text with the baseline's of the same prompt; `note` stands where there is none."""
        undamaged = {_prompt(text): text for text in baseline}
        self._texts = [(text, undamaged.get(_prompt(text))) for text in texts]
        self._note = note or "This trial generated no texts."
        self._draw_texts()
        self.query_one("#texts", Scroll).scroll_home(animate=False)

    def _figures(self, trial: TrialRecord, baseline: TrialRecord | None) -> RenderableType:
        head = outcome_text(trial.status)
        if trial.imported is None:
            cost = f"  {duration(trial.seconds)}, {size(float(trial.peak_bytes or 0))} at most"
            head.append(f"{cost}, {number(trial.touched or 0)} weights touched", "muted")
        else:
            head.append(f"  imported from {line(trial.imported)}", "warning")
        parts: list[RenderableType] = [head]
        if trial.error:
            parts.append(styled(trial.error, style="error"))
        if baseline is None:
            parts.append(Text("Its baseline has no result: there is nothing to compare with.", style="warning"))
        meanings = [Text(f"{line(name)}: {what}", style="muted") for name, what in _foreign(trial)]
        table = self._metrics(trial, baseline)
        if not self.artifacts:
            return Group(*parts, table, *meanings)
        names = ", ".join(PurePath(name).name.removeprefix(f"{trial.trial}-") for name in self.artifacts)
        left = Text.assemble(("a ", "primary"), (f"artifacts: {line(names)}", "muted"))
        return Group(*parts, table, left, *meanings)

    def _metrics(self, trial: TrialRecord, baseline: TrialRecord | None) -> Table:
        table = Table(box=None, padding=(0, 1, 0, 0), expand=False, header_style="muted")
        table.add_column("metric", overflow="fold")  # which gives way, where the figures do not
        for name in ("trial", "baseline", "change", ""):
            table.add_column(name, justify="right", no_wrap=True)
        before = baseline.metrics if baseline else {}
        for name in dict.fromkeys([*trial.metrics, *before]):
            value, base = trial.metrics.get(name), before.get(name)
            moved = None if value is None or base is None else value - base
            change = None if value is None else change_pct(name, value, base)
            harmed = moved if trial.touched else None  # noise of the measurement, where no weight was touched
            colour = _verdict(name, harmed)
            table.add_row(
                line(name, longest=24),
                Text(number(value), style="bold"),
                Text(number(base), style="muted"),
                Text(signed(moved), style=colour),
                Text(percent(change), style=colour),
            )
        return table

    def _draw_texts(self) -> None:
        samples = self.query_one("#samples", Static)
        if not self._texts:
            samples.update(Content.styled(self._note, "$muted"))
        else:
            beside = self.app.size.width >= SIDE_BY_SIDE
            samples.update(Group(*(part for pair in self._texts for part in self._pair(*pair, beside=beside))))
        counted = f" · {len(self._texts)}" if self._texts else ""
        self.query_one("#texts").border_title = f"texts{counted}"

    def _pair(self, text: TextRecord, baseline: TextRecord | None, *, beside: bool) -> Iterable[RenderableType]:
        yield Text.assemble(
            (f"{(text.index or 0) + 1} ", "primary"),
            (line(text.prompt or "", longest=200), "primary"),
        )
        undamaged = "no baseline text" if baseline is None else baseline.text or ""
        damaged = styled(text.text or "", style="bright")
        healthy = styled(undamaged, style="muted")
        if beside:
            pair = Table(box=None, padding=(0, 2, 0, 0), expand=True, header_style="muted")
            pair.add_column(_headline("trial", text), ratio=1, overflow="fold")
            pair.add_column(_headline("baseline", baseline), ratio=1, overflow="fold")
            pair.add_row(damaged, healthy)
            yield pair
        else:
            yield Text(_headline("trial", text), style="muted")
            yield damaged
            yield Text(_headline("baseline", baseline), style="muted")
            yield healthy
        yield Rule(style="line", characters="─")


def _prompt(text: TextRecord) -> tuple[object, ...]:
    """What makes two texts answers to the same question."""
    return text.measurement, text.label, text.index, text.prompt


def _headline(whose: str, text: TextRecord | None) -> str:
    if text is None:
        return whose
    return f"{whose} · {number(text.tokens_out)} tokens{', eos' if text.stop == 'eos' else ''}"


def _foreign(trial: TrialRecord) -> list[tuple[str, str]]:
    """Its metrics that Lesion does not measure so, each with what it is."""
    return [(name, what) for name in trial.metrics if (what := catalog.foreign(name))]


def _verdict(metric: str, moved: float | None) -> str:
    """The colour of a change: better, worse, or neither (unchanged, not finite, or nobody can say)."""
    known = catalog.metric(metric)
    better = known.better if known and known.unit not in _COSTS else None
    if not moved or better is None:
        return "muted"
    if moved != moved:
        return "warning"
    return "success" if (moved > 0) == (better == "higher") else "error"
