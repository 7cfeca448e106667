"""Optional details of a ticket: when, where, its face value; in its events, stored by tickets and orders.

And how it is handed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from common.base.money import Money

_LAST_ZONE = timezone(timedelta(hours=-12))
"""The zone in which a day ends last, wherever the venue is."""


def first_day(now: datetime) -> date:
    """The earliest event day that is not over: it is still today in UTC-12. now: With a time zone."""
    return now.astimezone(_LAST_ZONE).date()


class Delivery(StrEnum):
    FILE = "file"
    """The listing has the ticket as a file, which its buyer may fetch."""
    TRANSFER = "transfer"
    """The seller hands the ticket over elsewhere, such as in its issuer's app."""


@dataclass(frozen=True, slots=True)
class Details:
    """Each is None where the seller gave none.

    event_date: The calendar's day at the venue, in no time zone. start_time: `HH:MM` of that day, there.
    face_value: What the ticket cost when it was issued. notes: Restrictions, what is included; in lines.
    """

    event_date: date | None = None
    venue: str | None = None
    seat: str | None = None
    city: str | None = None
    start_time: str | None = None
    face_value: Money | None = None
    notes: str | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether the event's day has ended everywhere on Earth; never without a day."""
        return self.event_date is not None and self.event_date < first_day(now)

    def by_name(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in DETAILS}

    def to_document(self) -> Mapping[str, Any]:
        """The day as ISO 8601 text: MongoDB stores moments, not days. The face value in cents."""
        day = None if self.event_date is None else self.event_date.isoformat()
        cents = None if self.face_value is None else self.face_value.cents
        return {**self.by_name(), "event_date": day, "face_value": cents}

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "Details":
        """`document` is None in records that are older than the details, and lacks those it is older than."""
        if document is None:
            return NO_DETAILS
        given = {name: document.get(name) for name in DETAILS}
        day, cents = given["event_date"], given["face_value"]
        given["event_date"] = None if day is None else date.fromisoformat(day)
        given["face_value"] = None if cents is None else Money(cents)
        return cls(**given)


DETAILS = tuple(field.name for field in fields(Details))
"""Names of the details, as of a ticket event's fields."""
NO_DETAILS = Details()
