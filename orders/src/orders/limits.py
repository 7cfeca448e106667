"""Limits of one buyer: unpaid orders at once, and pauses between orders of one ticket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_PAUSE = timedelta(days=1)
ENDS_LOOKED_AT = 20
"""Latest unpaid ends that are read: with as many, the pause is the longest one, from a second on."""


@dataclass(frozen=True, slots=True)
class Limits:
    open_orders: int = 5
    first_pause: timedelta = timedelta(minutes=15)
    """Zero for no pauses."""

    def pause(self, ends: Sequence[datetime], now: datetime) -> timedelta:
        """Time until the buyer may order the ticket again; zero or less if that is now.

        ends: When the buyer's latest orders of the ticket ended unpaid, newest first. After the first one
        the ticket may be ordered again at once, after the second one comes the first pause, which each
        further one doubles, up to a day.
        """
        if len(ends) < 2:
            return timedelta(0)
        doublings = min(len(ends), ENDS_LOOKED_AT) - 2
        return ends[0] + min(self.first_pause * (1 << doublings), LONGEST_PAUSE) - now
