"""Keys one after another: each has had its whole effect before the next one is handed out.

Textual hands a key to the widget that has the focus at that moment, and each widget takes it from a queue of its own: a
letter is inserted at once, while a key that is bound passes through the queues of all the widgets above, and a key that
moves the focus or opens a dialog has done so only some messages later. On a busy host the next keys overtake it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textual.events import Key, Paste

if TYPE_CHECKING:
    from textual._queue import Queue
    from textual.message_pump import MessagePump

_PATIENCE = 5.0
"""Seconds that a key waits at most for the effect of those before it: a widget that hangs must not hang all keys."""
_SURE = 2
"""Times that all is found at rest: at the first, what was begun for a key may not have had its turn yet."""
_EAGER, _LOOK = 50, 0.002
"""Looks that follow at once; seconds between two after those."""


class Keyboard:
    """Holds keys back until everything that takes messages is at rest.

    Args:
        hand_out: takes the next key.
        pumps: everything that takes messages now.
        start: lets a coroutine go on by itself, and ends the program where that fails.
    """

    def __init__(
        self,
        hand_out: Callable[[Key | Paste], object],
        pumps: Callable[[], Iterable["MessagePump"]],
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._hand_out = hand_out
        self._pumps = pumps
        self._start = start
        self._waiting: deque[Key | Paste] = deque()
        self._working = False
        self._held = 0

    def take(self, event: Key | Paste) -> None:
        """Takes a key that came; it is handed out in its turn."""
        self._waiting.append(event)
        if not self._working:
            self._working = True
            self._start(self._work())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hands nothing out meanwhile: what a key asked for goes on in a thread, and opens what the next are for."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._rest()
                self._hand_out(self._waiting.popleft())
                await self._rest()
        finally:
            self._working = False

    async def _rest(self) -> None:
        """Waits until nothing is at work, with nothing to be done."""
        loop = asyncio.get_running_loop()
        begun, tries, idle = loop.time(), 0, 0
        while idle < _SURE and loop.time() < begun + _PATIENCE:
            idle = 0 if self._held or any(map(_at_work, self._pumps())) else idle + 1
            tries += 1
            await asyncio.sleep(0 if tries < _EAGER else _LOOK)


def _at_work(pump: "MessagePump") -> bool:
    """Whether it has a message that it is at or will come to. (At rest its queue is empty and asked for the next.)"""
    queue: Queue[Any] = pump._message_queue
    return not (pump._closing or pump._closed) and not (queue.empty() and queue.ready_event._waiters)
