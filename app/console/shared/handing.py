"""Brings what a thread has found back to the widget that asked for it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.widget import Widget


def hand_over(asker: Widget, callback: Callable[..., Any], *args: Any) -> None:
    """From a thread: has the widget call something with what was found, in its own turn.

    Nothing happens where the widget, or the whole console, is going or gone by then: nobody waits for it any more.
    """

    async def called() -> None:
        if stays(asker):
            result = callback(*args)
            if isawaitable(result):
                await result

    def in_turn() -> None:
        if stays(asker):
            asker.call_later(called)

    try:
        asker.app.call_from_thread(in_turn)
    except RuntimeError:  # its loop has ended
        return


def stays(widget: Widget) -> bool:
    """Whether a widget is on its screen, and the console is not about to end."""
    return widget.is_mounted and widget.is_attached and widget.app.is_running and not widget.app._exit
