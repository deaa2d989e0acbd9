"""What the console's tests share: an app over folders of its own, and waiting for what happens in the background."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from app.console.app import LesionApp
from app.console.design.form_list import FormList

SIZES = [(80, 24), (120, 40), (200, 60)]

DEMO = """
name = "demo"
description = "Noise and holes"

[model]
names = ["petri-16k"]
dtype = "float32"
device = "cpu"

[[damage]]
method = "mult_gauss"
groups = ["attn_only", "mlp_only"]
levels = { from = 0.0, to = 1.0, steps = 3 }

[[damage]]
method = "ablation"
groups = ["embed_only"]
levels = [0.5]

[seeds]
count = 2

[[measure]]
name = "perplexity"
documents = 2
"""

TRAP = r"""
name = "trap"
description = "[bold red]not markup[/] \u001b[31mnot an escape [/nor this"
[model]
names = ["[/]"]
"""


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """(results, profiles): no results, and two profiles of which one is full of mistakes and tricks."""
    profiles = tmp_path / "profiles"
    (profiles / "odd").mkdir(parents=True)
    (profiles / "demo.toml").write_text(DEMO)
    (profiles / "odd" / "trap.toml").write_text(TRAP)
    return tmp_path / "results", profiles


async def quiet(*_: float) -> None:
    """Waits until nothing in the app can go on by itself: what is left waits for a timer, a thread or the test."""
    loop: Any = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(0)
        if not loop._ready:
            return


async def settled(*_: object, **__: object) -> bool:
    """As `quiet`, and until what that left to be laid out and painted is on the screen, which a timer of Textual's does
    60 times a second. Timers come in the order of their times, however late all of them are."""
    await quiet()
    await asyncio.sleep(0.02)
    await quiet()
    return True


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Waits, with no limit but the test's own, until a condition holds and the screen has settled. An app that failed
    meanwhile raises what it failed with."""
    while not condition():
        assert pilot.app.is_running or pilot.app._exit, "the app has ended"
        if pilot.app._exception is not None:
            raise pilot.app._exception
        await asyncio.sleep(0.05)
    await settled()


async def appears(pilot: Pilot[None], text: str, selector: str) -> None:
    """Waits until what the selector finds shows this text."""
    await until(pilot, lambda: text in shown(pilot, selector))


def lab(tmp_path: Path) -> LesionApp:
    """The console over `folders`."""
    return LesionApp(*folders(tmp_path))


def form(pilot: Pilot[None]) -> FormList:
    """The list of fields of the Design screen."""
    return pilot.app.screen.query_one(FormList)


async def opened(pilot: Pilot[None]) -> None:
    """Enters the form of the first profile, the demo."""
    await until(pilot, lambda: field_texts(pilot))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.focused, FormList))


def field_texts(pilot: Pilot[None]) -> dict[str, str]:
    """What the form's fields say, by key; nothing where there is no form."""
    return {key: text for found in pilot.app.screen.query(FormList) for key, text in found.texts().items()}


async def go_to(pilot: Pilot[None], key: str) -> None:
    """Walks through the form, by key, to the field of a profile's key."""
    fields = form(pilot)
    goal = next(place for place, stop in enumerate(fields.stops) if stop.field and stop.field.key == key)
    steps = goal - fields.active
    await pilot.press(*["down" if steps > 0 else "up"] * abs(steps))
    assert fields.field
    assert fields.field.key == key


async def type_over(pilot: Pilot[None], text: str) -> None:
    """Replaces the text of the field that has the focus."""
    await pilot.press("end", "ctrl+u", *text)


def shown(pilot: Pilot[None], selector: str) -> str:
    """The text that is really on the screen where a widget is."""
    widget = pilot.app.screen.query_one(selector)
    region = widget.region
    strips = pilot.app.screen._compositor.render_strips()
    rows = [strip.text[region.x : region.right] for strip in strips[region.y : region.bottom]]
    return "\n".join(rows)
