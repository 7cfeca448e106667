"""Public list of tickets: from the search index where that is faster, else from the database.

The index says which tickets come in which order; each is then read from the database, so that an answer has
the present state, and none that was sold a moment ago.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tickets.domain import Ticket
from tickets.finding.index import Hit
from tickets.finding.projection import NotCaughtUp
from tickets.finding.queries import Search
from tickets.repository import Page, TicketRepository
from tickets.sorting import Cursor, Sort, cursor_of

ROUNDS = 3
"""Readings of the index for one page: a further one where some of the found are on sale no more."""


class Index(Protocol):
    async def find(self, search: Search, limit: int) -> Sequence[Hit]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """after: Cursor of the next page; None for the last one."""

    tickets: Sequence[Ticket]
    after: Cursor | None


def first_of(tickets: Sequence[Ticket], page: Page) -> Found:
    """A page of one more ticket than it shows, where there is a next one."""
    shown = tickets[: page.limit]
    return Found(shown, cursor_of(shown[-1], page.sort) if len(tickets) > page.limit else None)


class Finder:
    def __init__(self, tickets: TicketRepository, index: Index | None) -> None:
        """index: None where the database alone answers."""
        self._tickets = tickets
        self._index = index

    async def on_sale(self, page: Page) -> Found:
        if self._index is not None and _is_for_the_index(page):
            try:
                return await self._from_index(self._index, page)
            except NotCaughtUp:
                pass
        return first_of(await self._tickets.on_sale(page), page)

    async def _from_index(self, index: Index, page: Page) -> Found:
        search, found = _search_of(page), list[tuple[Ticket, Cursor]]()
        for _ in range(ROUNDS):
            hits = await index.find(search, page.limit + 1)
            found += await self._on_sale_of(hits)
            if len(found) > page.limit:
                return _with(found[: page.limit], found[page.limit - 1][1])
            if len(hits) <= page.limit:
                return _with(found, None)
            search = replace(search, after=hits[-1].cursor)
        return _with(found, search.after)

    async def _on_sale_of(self, hits: Sequence[Hit]) -> Sequence[tuple[Ticket, Cursor]]:
        by_id = {ticket.id: ticket for ticket in await self._tickets.on_sale_of([hit.id for hit in hits])}
        return [(by_id[hit.id], hit.cursor) for hit in hits if hit.id in by_id]


def _is_for_the_index(page: Page) -> bool:
    """Words and cities have no index in the database, and days have one in their own order alone."""
    by_day = page.first_day is not None or page.last_day is not None
    return bool(page.words or page.city or (by_day and page.sort is not Sort.SOONEST))


def _with(found: Sequence[tuple[Ticket, Cursor]], after: Cursor | None) -> Found:
    return Found([ticket for ticket, _ in found], after)


def _search_of(page: Page) -> Search:
    return Search(
        words=page.words,
        sort=page.sort,
        after=page.after,
        min_cents=None if page.min_price is None else page.min_price.cents,
        max_cents=None if page.max_price is None else page.max_price.cents,
        city=page.city,
        first_day=page.first_day,
        last_day=page.last_day,
    )
