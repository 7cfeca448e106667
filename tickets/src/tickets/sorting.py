"""Orders of a list of tickets: their sort keys, and the query for what comes after a page's last ticket."""

from collections.abc import Mapping
from enum import StrEnum

from common.persistence.mongo import ASCENDING, DESCENDING, Document, Keys
from tickets.domain import Ticket


class Sort(StrEnum):
    NEWEST = "newest"
    CHEAPEST = "price"
    DEAREST = "-price"
    SOONEST = "date"
    """By the event's day; tickets without a day last."""
    RELEVANCE = "relevance"
    """By how near the words are; the newest first among equals, and where the database searches."""


Cursor = tuple[int | None, str]
"""Cursor: the sort key and the id of a page's last ticket."""


def soonness(ticket: Ticket) -> int | None:
    """Sort key, higher for a sooner day. Descending, tickets without a day come last: null is lowest."""
    return None if ticket.details.event_date is None else -ticket.details.event_date.toordinal()


def cursor_of(ticket: Ticket, sort: Sort) -> Cursor:
    match sort:
        case Sort.SOONEST:
            return soonness(ticket), ticket.id
        case Sort.RELEVANCE:
            return 0, ticket.id
        case _:
            return ticket.price.cents, ticket.id


_NEWEST_FIRST = ("_id", DESCENDING)
ORDERS: Mapping[Sort, Keys] = {
    Sort.NEWEST: [_NEWEST_FIRST],
    Sort.RELEVANCE: [_NEWEST_FIRST],
    Sort.CHEAPEST: [("price_cents", ASCENDING), _NEWEST_FIRST],
    # Ascending price reads the same index from its other end.
    Sort.DEAREST: [("price_cents", DESCENDING), ("_id", ASCENDING)],
    Sort.SOONEST: [("soonness", DESCENDING), _NEWEST_FIRST],
}


def beyond(after: Cursor, sort: Sort) -> Document:
    """Query for the tickets after that one.

    One range for the index to begin at, less what has the ticket's key and comes before it. As an `$or` of
    "a later key" and "the same key, a later id" it would be two ranges, or a scan from the very first ticket.
    """
    key, ticket_id = after
    match sort:
        case Sort.NEWEST | Sort.RELEVANCE:
            return {"_id": {"$lt": ticket_id}}
        case Sort.CHEAPEST:
            later = [{"price_cents": {"$gt": key}}, {"_id": {"$lt": ticket_id}}]
            return {"price_cents": {"$gte": key}, "$or": later}
        case Sort.DEAREST:
            later = [{"price_cents": {"$lt": key}}, {"_id": {"$gt": ticket_id}}]
            return {"price_cents": {"$lte": key}, "$or": later}
        case Sort.SOONEST if key is None:
            return {"soonness": None, "_id": {"$lt": ticket_id}}
        case Sort.SOONEST:
            later = [{"soonness": {"$ne": key}}, {"_id": {"$lt": ticket_id}}]
            return {"soonness": not_before(key), "$or": later}


def not_before(soonest: int) -> Document:
    """Days from that one on, and no day at all, which a comparison with a number would leave out."""
    return {"$not": {"$gt": soonest}}
