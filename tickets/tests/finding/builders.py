"""Entries, an index in a folder, and the events of tickets."""

from datetime import date
from pathlib import Path

from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import TicketUpdated, TicketWithdrawn
from tickets.finding.entries import Entry
from tickets.finding.folders import Folder
from tickets.finding.index import Index
from tickets.finding.queries import Search
from tickets.sorting import Cursor, Sort


def an_entry(
    title: str, venue: str = "", seat: str = "", cents: int = 2_000, day: date | None = None
) -> Entry:
    return Entry(new_id(), title, venue, "", seat, cents, day)


def an_index(directory: Path, *entries: Entry) -> Index:
    index = Index(Folder(directory))
    for entry in entries:
        index.put(entry)
    index.commit(len(entries) + 1)
    return index


def ids(
    index: Index, words: str, sort: Sort = Sort.RELEVANCE, limit: int = 100, after: Cursor | None = None
) -> list[str]:
    return [hit.id for hit in index.find(Search(words, sort, after), limit)]


def updated(
    ticket_id: str, version: int, title: str = "Concert", order_id: str | None = None
) -> TicketUpdated:
    return TicketUpdated(
        id=ticket_id, version=version, title=title, price=Money(2_000), user_id=new_id(), order_id=order_id
    )


def withdrawn(ticket_id: str, version: int) -> TicketWithdrawn:
    return TicketWithdrawn(id=ticket_id, version=version)
