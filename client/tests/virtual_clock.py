"""Event loop whose clock jumps to the next timer: waits of seconds cost no time and end in exact order.

For code without sockets and threads. A test that waits for what can't come fails at once.
"""

import asyncio
import selectors
from collections.abc import Callable

RESOLUTION = 1e-6
"""Timers that are due within this many seconds of each other run in one turn of the loop, in their order."""


class _Selector(selectors.DefaultSelector):
    """Advances the clock by the time that the loop would wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("No timer is set and no callback is due: this wait has no end")
        self.now += max(0.0, timeout)
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = RESOLUTION

    def time(self) -> float:
        """Seconds since the loop began."""
        return self._virtual.now


def just_before(moment: float, callback: Callable[[], object]) -> None:
    """Calls `callback` in the turn of the loop in which the timers of `moment` are due, ahead of them."""
    asyncio.get_running_loop().call_at(moment - RESOLUTION / 2, callback)


def just_after(moment: float, callback: Callable[[], object]) -> None:
    """Calls `callback` in the turn of the loop in which the timers of `moment` are due, behind them."""
    asyncio.get_running_loop().call_at(moment + RESOLUTION / 2, callback)
