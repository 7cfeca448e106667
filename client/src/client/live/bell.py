"""Waiting for a browser to leave, unless there is something to tell it."""

import asyncio
from enum import Enum, auto

from starlette.types import Receive


class Woke(Enum):
    RUNG = auto()
    QUIET = auto()
    LEFT = auto()


class Bell:
    """Wakes the one coroutine that serves a page.

    That coroutine must be in `receive` to see the browser leave, and can't wait for anything else there; a
    second task for each page would double what a page costs. So ringing ends its time there early.
    """

    def __init__(self) -> None:
        self._nap: asyncio.Timeout | None = None

    def ring(self) -> None:
        """No effect on who is awake: it looks before it waits again."""
        if self._nap is not None:
            self._nap.reschedule(0)
            self._nap = None

    async def wait(self, receive: Receive, seconds: float) -> Woke:
        """Returns when rung, when the browser left, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds) as self._nap:
                while (await receive())["type"] != "http.disconnect":
                    continue
                return Woke.LEFT
        except TimeoutError:
            return Woke.RUNG if self._nap is None else Woke.QUIET
        finally:
            self._nap = None
