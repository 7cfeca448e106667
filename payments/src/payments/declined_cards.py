"""Limit of declined cards of an account in a day, and of an order; decided before the provider is called.

A card takes a place in its account's moving window before its confirmation is stored, and the place is marked
in the charge's document. A decline leaves it taken. Any other outcome gives it back, once it is known. So of
any number of cards at once, in any processes, no more than the limit can be declined, and a card that a
crash left without an outcome counts until the sweep finds one. A crash between two of these writes leaves
a place taken for a day, never a decline uncounted.
"""

from dataclasses import dataclass
from datetime import timedelta

from common.persistence.mongo import Database
from common.persistence.windows import Limit, Windows
from payments.errors import TooManyDeclinesToday

DAY = timedelta(days=1)
PLACE = "place_of"
"""Field of a charge whose latest card took a place: the number of its intent, as the last release has it."""


@dataclass(frozen=True, slots=True)
class DeclineLimits:
    of_order: int = 5
    per_day: int = 20
    """Of an account; 0 for any number."""


class DeclinedCards:
    """Places of each account in the window, under the user's id."""

    def __init__(self, database: Database) -> None:
        self._windows = Windows(database, "declined_cards")
        self._charges = database["attempts"]

    async def prepare(self) -> None:
        await self._windows.prepare()

    async def take_place(self, user_id: str, per_day: int) -> None:
        """Raises TooManyDeclinesToday."""
        if wait := await self._windows.take(user_id, Limit(per_day, DAY)):
            raise TooManyDeclinesToday(wait)

    async def return_place(self, user_id: str) -> None:
        """Returns a place that was taken for a card whose confirmation did not begin."""
        await self._windows.give_back(user_id)

    async def not_declined(self, order_id: str, number: int) -> None:
        """Returns the place of a card whose outcome is no decline; once, however often it is called."""
        charge = await self._charges.find_one_and_update(
            {"_id": order_id, "number": number, PLACE: number}, {"$unset": {PLACE: ""}}, {"user_id": 1}
        )
        if charge is not None:
            await self._windows.give_back(charge["user_id"])
