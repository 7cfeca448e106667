"""Bounded and fair queue for turns at hashing. It limits memory, CPU and wait during a flood of requests."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto

from auth.fair_line import FairLine, Place
from auth.passwords import Passwords

CONCURRENCY = 2
MAX_WAITING = 200
"""Of sign-ins; as many sign-ups may wait besides."""


class Purpose(Enum):
    SIGN_IN = auto()
    SIGN_UP = auto()


@dataclass
class _Lane:
    line: FairLine
    free: int
    """Further turns that this purpose may hold now."""


class HashQueue:
    """Turns, `concurrency` of them at a time; sign-ups hold all but one, so that one is left for sign-ins.

    A free turn goes to sign-ins and sign-ups alternately, and within each to one address after another: a
    flood of one address delays another's request by one turn.
    """

    def __init__(
        self, passwords: Passwords, concurrency: int = CONCURRENCY, max_waiting: int = MAX_WAITING
    ) -> None:
        self._passwords = passwords
        self._free = concurrency
        self._lanes = OrderedDict(
            {
                Purpose.SIGN_IN: _Lane(FairLine(max_waiting), concurrency),
                Purpose.SIGN_UP: _Lane(FairLine(max_waiting), max(1, concurrency - 1)),
            }
        )

    @asynccontextmanager
    async def turn(self, purpose: Purpose, address: str) -> AsyncIterator[Passwords]:
        """Waits for a turn and holds it. Raises Busy if the queue is full (`FairLine.join`)."""
        lane = self._lanes[purpose]
        place = lane.line.join(address)
        try:
            self._grant()
            await place
            yield self._passwords
        finally:
            if _is_granted(place):
                self._free += 1
                lane.free += 1
            else:
                lane.line.leave(address, place)
            self._grant()

    def _grant(self) -> None:
        while self._free and (place := self._next()):
            self._free -= 1
            place.set_result(None)

    def _next(self) -> Place | None:
        for purpose, lane in self._lanes.items():
            if lane.free and (place := lane.line.next()):
                lane.free -= 1
                self._lanes.move_to_end(purpose)
                return place
        return None


def _is_granted(place: Place) -> bool:
    """Also of a request that was cancelled after its turn had come, and before it began."""
    return place.done() and not place.cancelled() and place.exception() is None
