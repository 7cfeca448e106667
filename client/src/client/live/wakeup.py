"""Waits for a page's browser to disconnect, or for a notification."""

import asyncio
import logging
from collections.abc import Iterable
from enum import Enum, auto

from starlette.types import Receive

log = logging.getLogger(__name__)


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
        self._is_notified = False

    def notify(self) -> None:
        """Ends a wait. Ignored at other times: the coroutine checks the ticket before it waits again."""
        if self._timeout is None:
            return
        self._is_notified = True
        # A timeout that has just expired ends the wait by itself, and can't be rescheduled any more.
        if not self._timeout.expired():
            self._timeout.reschedule(0)

    async def wait(self, receive: Receive, seconds: float) -> Wakeup:
        """Returns when notified, when the browser disconnected, or after `seconds`."""
        self._is_notified = False
        try:
            async with asyncio.timeout(seconds) as self._timeout:
                while (await receive())["type"] != "http.disconnect":
                    continue
                return Wakeup.DISCONNECTED
        except TimeoutError:
            return Wakeup.NOTIFIED if self._is_notified else Wakeup.TIMED_OUT
        finally:
            self._timeout = None


def notify_all(waiters: Iterable[Waiter]) -> None:
    """Notifies every waiter, also after the failure of one, which is logged."""
    for waiter in waiters:
        try:
            waiter.notify()
        except Exception:
            log.exception("a live page was not notified")
