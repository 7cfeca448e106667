"""Entry of the index: a ticket on sale, its numbers for the orders, and the index's fields."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from tantivy import Document, Schema, SchemaBuilder

from common.contract.events import TicketState
from tickets.finding import words
from tickets.search import folded_city
from tickets.sorting import Cursor, Sort

FORMAT = 2
"""Number of the fields and of the ways in which they are made: one more for each change of either.

An index of another number is made again.
"""

RANK_BITS = 36
_RANKS = (1 << RANK_BITS) - 1
_EPOCH = 0x5E0BE100
"""2020, in seconds since 1970: 30 bits of seconds from there on end in 2054."""
_COUNTED = 6
"""Bits of an id's counter in a rank."""
NO_DAY = 1 << 22
"""Above the number of every day: tickets without a day come last."""
SPAN_BITS = 12
"""Bits of the seconds that one span of the creation time has: 68 minutes."""
PLACE = "place"
"""Id of the document that has the index's place in the stream."""


@dataclass(frozen=True, slots=True)
class Entry:
    """venue: With its city. city: Folded; "" for none."""

    id: str
    title: str
    venue: str
    city: str
    seat: str
    price_cents: int
    day: date | None

    @classmethod
    def of(cls, ticket: TicketState) -> "Entry":
        return cls(
            id=ticket.id,
            title=ticket.title,
            venue=" ".join(filter(None, (ticket.venue, ticket.city))),
            city=folded_city(ticket.city),
            seat=ticket.seat or "",
            price_cents=ticket.price.cents,
            day=ticket.event_date,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """field: The number that entries are sorted by."""

    field: str
    descending: bool


ORDERS = {
    Sort.NEWEST: Order("newest", descending=True),
    Sort.RELEVANCE: Order("newest", descending=True),
    Sort.CHEAPEST: Order("cheapest", descending=False),
    Sort.DEAREST: Order("cheapest", descending=True),
    Sort.SOONEST: Order("soonest", descending=False),
}


def newness(ticket_id: str) -> int:
    """Higher for a newer id, by its second and its counter."""
    return int(ticket_id[:8], 16) << 24 | int(ticket_id[-6:], 16)


def rank(ticket_id: str) -> int:
    """Higher for a newer id, by its second and the end of its counter: it has to fit beside a number."""
    seconds = max(0, int(ticket_id[:8], 16) - _EPOCH)
    return min(seconds << _COUNTED | int(ticket_id[-6:], 16) & ((1 << _COUNTED) - 1), _RANKS)


def span(ticket_id: str) -> int:
    return int(ticket_id[:8], 16) >> SPAN_BITS


def with_rank(number: int, ticket_id: str) -> int:
    """Sort key: ascending by the number, and among equal ones the newest first."""
    return number << RANK_BITS | (_RANKS - rank(ticket_id))


def day_number(day: date | None) -> int:
    return NO_DAY if day is None else day.toordinal()


def key_of(cursor: Cursor, sort: Sort) -> int:
    """Sort key of the entry that a cursor names."""
    number, ticket_id = cursor
    match sort:
        case Sort.NEWEST | Sort.RELEVANCE:
            return newness(ticket_id)
        case Sort.SOONEST:
            return with_rank(NO_DAY if number is None else min(-number, NO_DAY), ticket_id)
        case _:
            return with_rank(min(max(number or 0, 0), 1 << 26), ticket_id)


def cursor_of(key: int, ticket_id: str, sort: Sort, level: int) -> Cursor:
    """The reverse of `key_of`. By relevance, the cursor's number is the level of the match."""
    match sort:
        case Sort.RELEVANCE:
            return level, ticket_id
        case Sort.NEWEST:
            return 0, ticket_id
        case Sort.SOONEST:
            number = key >> RANK_BITS
            return None if number == NO_DAY else -number, ticket_id
        case _:
            return key >> RANK_BITS, ticket_id


def _schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("whole", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("city", tokenizer_name="raw", index_option="basic")
    for name in ("title", "main", "words", "parts"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
    for name in ("newest", "cheapest", "soonest", "price", "day"):
        builder.add_integer_field(name, fast=True)
    builder.add_integer_field("span", indexed=True)
    builder.add_integer_field("sequence", stored=True)
    return builder.build()


SCHEMA = _schema()


def document(entry: Entry) -> Document:
    title = words.indexed(entry.title)
    main = dict.fromkeys([*title, *words.indexed(entry.venue)])
    every = dict.fromkeys([*main, *words.indexed(entry.seat)])
    day = day_number(entry.day)
    fields: dict[str, Any] = {
        "id": entry.id,
        "whole": words.whole(entry.title),
        "city": entry.city,
        "title": " ".join(title),
        "main": " ".join(main),
        "words": " ".join(every),
        "parts": " ".join(words.parts(list(every))),
        "newest": newness(entry.id),
        "cheapest": with_rank(entry.price_cents, entry.id),
        "soonest": with_rank(day, entry.id),
        "price": entry.price_cents,
        "day": day,
        "span": span(entry.id),
    }
    return Document.from_dict(fields, SCHEMA)


def place(sequence: int) -> Document:
    return Document.from_dict({"id": PLACE, "sequence": sequence}, SCHEMA)
