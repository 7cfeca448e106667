"""Waits for a page's browser to disconnect, or for a notification."""

import asyncio
from enum import Enum, auto

from starlette.types import Receive


class Wakeup(Enum):
    NOTIFIED = auto()
    TIMED_OUT = auto()
    DISCONNECTED = auto()


class Waiter:
    """Wakes the one coroutine that serves a page.

    The coroutine waits in `receive`, which alone shows that the browser disconnected. A second task a page
    would double a page's cost, so a notification ends the wait in `receive` early, by its timeout.
    """

    def __init__(self) -> None:
        self._nap: asyncio.Timeout | None = None

    def notify(self) -> None:
        """Ends a wait. Otherwise without effect: the coroutine checks the ticket before it waits again."""
        if self._nap is not None:
            self._nap.reschedule(0)
            self._nap = None

    async def wait(self, receive: Receive, seconds: float) -> Wakeup:
        """Returns when notified, when the browser disconnected, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds) as self._nap:
                while (await receive())["type"] != "http.disconnect":
                    continue
                return Wakeup.DISCONNECTED
        except TimeoutError:
            return Wakeup.NOTIFIED if self._nap is None else Wakeup.TIMED_OUT
        finally:
            self._nap = None
