"""Sign-ups of each network address: how many are allowed in an hour."""

from datetime import timedelta

from auth.errors import TooManySignUps
from auth.window_keys import key_of
from common.persistence.mongo import Database
from common.persistence.windows import Limit, Windows

HOUR = timedelta(hours=1)


class SignUps:
    """Sign-ups of each address, as moving windows that all processes share. per_hour: 0 for any number."""

    def __init__(self, database: Database, per_hour: int) -> None:
        self._windows = Windows(database, "sign_ups")
        self._limit = Limit(per_hour, HOUR)

    async def prepare(self) -> None:
        await self._windows.prepare()

    async def take(self, address: str) -> None:
        """Counts a sign-up. Raises TooManySignUps, and counts none, where the address has had its share."""
        seconds = await self._windows.take(key_of(address), self._limit)
        if seconds is not None:
            raise TooManySignUps(seconds)

    async def give_back(self, address: str) -> None:
        """Uncounts a sign-up that `take` counted, and that did not happen after all."""
        await self._windows.give_back(key_of(address))
