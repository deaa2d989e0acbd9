"""Memory over time, one small graph a device: all that is used, the worker's own share in the accent colour."""

from __future__ import annotations

from collections import deque

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from app.safe import line
from app.words import size
from engine.record.events import MemoryEvent, MemoryUse

BLOCKS = " ▁▂▃▄▅▆▇█"
KEPT = 900  # samples a device; one every two seconds makes half an hour


class MemoryGraph(Widget):
    """Draws every device within its own height: one line each when there is little room, an area graph otherwise."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.devices: dict[str, deque[MemoryUse]] = {}

    def clear(self) -> None:
        """Forgets every device."""
        self.devices.clear()
        self.refresh()

    def add(self, event: MemoryEvent) -> None:
        """Takes one event. The caller refreshes when it has added all it has."""
        for device in event.devices:
            self.devices.setdefault(device.name, deque(maxlen=KEPT)).append(device)

    def render(self) -> Text:
        width, height = self.size
        if not self.devices:
            return Text.assemble(("no sample yet", "muted"))
        if width < 8 or height < 1:
            return Text("")
        share, spare = divmod(height, len(self.devices))
        lines: list[Text] = []
        for place, (name, samples) in enumerate(self.devices.items()):
            room = share + (1 if place < spare else 0)
            lines += self._compact(name, samples, width) if room < 2 else self._area(name, samples, width, room)
        return Text("\n").join(lines[:height])

    def _compact(self, name: str, samples: deque[MemoryUse], width: int) -> list[Text]:
        label, figures = f"{line(name)[: max(width // 3, 4)]} ", f" {_figures(samples[-1])}"
        room = max(width - len(label) - len(figures), 0)
        return [Text.assemble(label, *self._rows(samples, room, 1), (figures, "bright"))]

    def _area(self, name: str, samples: deque[MemoryUse], width: int, height: int) -> list[Text]:
        now = samples[-1]
        head = Text.assemble((f"{line(name)} ", "bold"), (_figures(now), "bright"), no_wrap=True)
        own = "" if now.worker is None else f"worker {size(now.worker)}"
        lines = [head]
        if own and (height < 3 or cell_len(head.plain) + 2 + cell_len(own) <= width):
            head.append(f"  {own}", "accent")
        elif own:
            lines.append(Text(own, "accent"))
        for row in lines:
            row.truncate(width, overflow="ellipsis")
        return [*lines, *self._rows(samples, width, height - len(lines))]

    def _rows(self, samples: deque[MemoryUse], width: int, height: int) -> list[Text]:
        """The graph, top row first; the newest sample is at the right edge."""
        shown = list(samples)[-width:] if width else []
        rows = []
        for row in range(height - 1, -1, -1):
            drawn = Text("·" * (width - len(shown)) if row == 0 else " " * (width - len(shown)), "line")
            for sample in shown:
                drawn.append(*self._cell(sample, row, height))
            rows.append(drawn)
        return rows

    def _cell(self, sample: MemoryUse, row: int, height: int) -> tuple[str, str]:
        total = sample.total or 1.0
        eighths = round(min(sample.used / total, 1.0) * height * 8) - row * 8
        own = (sample.worker or 0.0) / total * height
        if row == 0:
            eighths = max(eighths, 1)
        return BLOCKS[min(max(eighths, 0), 8)], "accent" if own > row else "secondary"


def _figures(sample: MemoryUse) -> str:
    return f"{size(sample.used, unit=sample.used < 10**9 <= sample.total)}/{size(sample.total)}"
