"""Limit of a seller's new listings in any hour, over all processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from common.base.errors import BadRequest, DuplicateKey
from common.persistence.mongo import Database
from common.persistence.windows import Limit, Windows
from tickets.errors import TooManyNewListings

HOUR = timedelta(hours=1)


class NewListings:
    """Counts by a moving window, under the user's id."""

    def __init__(self, database: Database, per_hour: int) -> None:
        """per_hour: 0 for any number."""
        self._windows = Windows(database, "new_listings")
        self._per_hour = per_hour

    async def prepare(self) -> None:
        await self._windows.prepare()

    @asynccontextmanager
    async def one(self, user_id: str) -> AsyncIterator[None]:
        """Counts the listing that is stored within, unless it is refused there.

        Raises TooManyNewListings before it is stored. One whose storing ends in an outage counts.
        """
        if wait := await self._windows.take(user_id, Limit(self._per_hour, HOUR)):
            raise TooManyNewListings(wait)
        try:
            yield
        except (BadRequest, DuplicateKey):
            await self._windows.give_back(user_id)
            raise
