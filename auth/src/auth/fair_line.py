"""Bounded waiting line that is fair to network addresses."""

import asyncio
from collections import OrderedDict, deque

from auth.errors import Busy

Place = asyncio.Future[None]
"""Done once its turn has come; with the error Busy if another address displaced it."""


class FairLine:
    """Places of waiting requests. Addresses have their turns one after another, each with its oldest request.

    max_waiting: Places of all addresses together, 1 or more.
    """

    def __init__(self, max_waiting: int) -> None:
        self._waiting: OrderedDict[str, deque[Place]] = OrderedDict()
        self._count = 0
        self._max_waiting = max_waiting

    def join(self, address: str) -> Place:
        """A place at the end of the address's own. Raises Busy if the line is full.

        In a full line an address displaces the last request of the one with the most, if that one keeps at
        least as many.
        """
        if self._count >= self._max_waiting:
            self._make_room(address)
        place: Place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(place)
        self._count += 1
        return place

    def next(self) -> Place | None:
        """Removes and returns the place whose turn it is; None for an empty line."""
        while self._waiting:
            address, places = next(iter(self._waiting.items()))
            place = places.popleft()
            self._count -= 1
            if places:
                self._waiting.move_to_end(address)
            else:
                del self._waiting[address]
            if not place.done():
                return place
        return None

    def leave(self, address: str, place: Place) -> None:
        """Gives up a place, if it is still in the line."""
        places = self._waiting.get(address)
        if places is not None and place in places:
            places.remove(place)
            self._count -= 1
            if not places:
                del self._waiting[address]

    def _make_room(self, address: str) -> None:
        most = max(self._waiting.values(), key=len)
        if len(most) <= len(self._waiting.get(address, ())) + 1:
            raise Busy()
        place = most.pop()
        self._count -= 1
        if not place.done():
            place.set_exception(Busy())
