"""Optional details of a ticket: day, venue and seat; in ticket events, and stored by tickets and orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

_LAST_ZONE = timezone(timedelta(hours=-12))
"""The zone in which a day ends last, wherever the venue is."""


def first_day(now: datetime) -> date:
    """The earliest event day that is not over: it is still today in UTC-12. now: With a time zone."""
    return now.astimezone(_LAST_ZONE).date()


@dataclass(frozen=True, slots=True)
class Details:
    """`event_date` is the calendar's day at the venue, in no time zone."""

    event_date: date | None = None
    venue: str | None = None
    seat: str | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether the event's day has ended everywhere on Earth; never without a day."""
        return self.event_date is not None and self.event_date < first_day(now)

    def to_document(self) -> Mapping[str, Any]:
        """The day as ISO 8601 text: MongoDB stores moments, not days."""
        day = None if self.event_date is None else self.event_date.isoformat()
        return {"event_date": day, "venue": self.venue, "seat": self.seat}

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "Details":
        """`document` is None in records that are older than the details."""
        if document is None:
            return NO_DETAILS
        day = document["event_date"]
        return cls(
            None if day is None else date.fromisoformat(day), document.get("venue"), document.get("seat")
        )


NO_DETAILS = Details()
