"""Listings of users who deleted their accounts: all that are not sold are withdrawn, without their files."""

from common.persistence.repository import retrying
from tickets.domain import Ticket
from tickets.repository import Page, TicketRepository
from tickets.sorting import Sort, cursor_of

PAGE = 100
OPEN = ("available", "held", "withdrawn")
"""Statuses of what is withdrawn, and loses its file. What an order holds stays held: its buyer may still pay.
"""


async def close_listings(tickets: TicketRepository, seller_id: str) -> None:
    """Idempotent; broken off, it goes on where it is begun again."""
    for status in OPEN:
        after = None
        while True:
            page = Page(PAGE, after=after, status=status)
            found = (await tickets.of_seller(seller_id, page))[:PAGE]
            for ticket in found:
                if not ticket.withdrawn or ticket.file is not None:
                    await _close(tickets, ticket)
            if len(found) < PAGE:
                break
            after = cursor_of(found[-1], Sort.NEWEST)


async def _close(tickets: TicketRepository, seen: Ticket) -> None:
    async def decide() -> None:
        ticket = await tickets.get(seen.id)
        ticket.close()
        await tickets.save(ticket)

    await retrying(decide)
