"""A ticket in the words of schema.org, for search engines: https://schema.org/Event."""

from collections.abc import Mapping
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
        "startDate": ticket.event_date.isoformat(),
        "offers": offer,
    }
    if ticket.venue is not None:
        found["location"] = {"@type": "Place", "name": ticket.venue, "address": ticket.venue}
    return found
