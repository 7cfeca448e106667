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

    The coroutine waits in `receive`, since only `receive` reports that the browser disconnected. A second
    task for each page would double a page's cost, so a notification ends the wait early, by its timeout.
    """

    def __init__(self) -> None:
        self._timeout: asyncio.Timeout | None = None

    def notify(self) -> None:
        """Ends a wait. Ignored at other times: the coroutine checks the ticket before it waits again."""
        if self._timeout is not None:
            self._timeout.reschedule(0)
            self._timeout = None

    async def wait(self, receive: Receive, seconds: float) -> Wakeup:
        """Returns when notified, when the browser disconnected, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds) as self._timeout:
                while (await receive())["type"] != "http.disconnect":
                    continue
                return Wakeup.DISCONNECTED
        except TimeoutError:
            return Wakeup.NOTIFIED if self._timeout is None else Wakeup.TIMED_OUT
        finally:
            self._timeout = None
