"""Deadlines of the fulfilment: until when a seller hands over, and until when a buyer may claim."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

_FIRST_ZONE = timezone(timedelta(hours=14))
"""The zone in which a day begins first, wherever the venue is."""
_LAST_ZONE = timezone(timedelta(hours=-12))
"""The zone in which a day ends last."""
LEAST_DELIVERY = timedelta(hours=2)
LEAST_ACCEPTANCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Terms:
    """delivery: Time to hand a ticket over. acceptance: Time to claim where the event's day is not known.

    Where the day is known it may shorten the first and replace the second, but leaves each party at least
    LEAST_DELIVERY and LEAST_ACCEPTANCE, or `delivery` and `acceptance` where those are shorter.
    """

    delivery: timedelta = timedelta(hours=48)
    acceptance: timedelta = timedelta(days=7)

    def deliver_by(self, now: datetime, day: date | None) -> datetime:
        """Before the event's day begins anywhere on Earth: the venue's zone is not known."""
        latest = now + self.delivery
        if day is None:
            return latest
        least = now + min(LEAST_DELIVERY, self.delivery)
        return max(min(latest, _start(day, _FIRST_ZONE)), least)

    def accept_by(self, delivered: datetime, day: date | None) -> datetime:
        """The end of the day after the event, wherever on Earth that is last."""
        if day is None:
            return delivered + self.acceptance
        least = delivered + min(LEAST_ACCEPTANCE, self.acceptance)
        return max(_start(day, _LAST_ZONE) + timedelta(days=2), least)

    def adopted_accept_by(self, now: datetime, day: date | None) -> datetime:
        """For an order that a release without fulfilment completed: at least `acceptance` from now."""
        return max(self.accept_by(now, day), now + self.acceptance)


def _start(day: date, zone: timezone) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
