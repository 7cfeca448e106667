"""Optional details of a ticket: day, venue and seat; in ticket events, and stored by tickets and orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Details:
    """`event_date` is the calendar's day at the venue, in no time zone."""

    event_date: date | None = None
    venue: str | None = None
    seat: str | None = None

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
