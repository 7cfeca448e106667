"""A ticket in the words of schema.org, for search engines: https://schema.org/Event."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from client.languages import CURRENCY
from client.schemas import Ticket

_SCHEMA = "https://schema.org"
_AVAILABILITY = {"available": "InStock", "held": "Reserved"}


def event(ticket: Ticket, address: str) -> Mapping[str, Any] | None:
    """The event with the ticket as its one offer; None without a day, which every event has.

    address: Absolute address of the ticket's page. It holds only what the seller gave.
    """
    if ticket.event_date is None:
        return None
    offer = {
        "@type": "Offer",
        "url": address,
        "price": str(ticket.price),
        "priceCurrency": CURRENCY,
        "availability": f"{_SCHEMA}/{_AVAILABILITY.get(ticket.status, 'SoldOut')}",
    }
    found: dict[str, Any] = {
        "@context": _SCHEMA,
        "@type": "Event",
        "name": ticket.title,
        "startDate": _start(ticket.event_date, ticket.start_time),
        "offers": offer,
    }
    if ticket.place:
        name = ticket.venue or ticket.city
        found["location"] = {"@type": "Place", "name": name, "address": ticket.city or ticket.venue}
    return found


def _start(day: date, time: str | None) -> str:
    """ISO 8601, without a zone: the venue's is not known."""
    return day.isoformat() if time is None else f"{day.isoformat()}T{time}"
