"""Use cases: load, let the aggregate decide, save; retried after a lost race."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from common.base import times
from common.base.creation import Creation
from common.base.errors import NotAuthorized
from common.base.identity import CurrentUser
from common.base.money import Money
from common.contract.details import NO_DETAILS, Details
from common.persistence.repository import retrying
from tickets.domain import Ticket, Versions
from tickets.errors import TicketAlreadyListed, TicketWithdrawn
from tickets.new_listings import NewListings
from tickets.repository import TicketRepository

log = logging.getLogger(__name__)


async def offer(
    tickets: TicketRepository,
    user: CurrentUser,
    title: str,
    price: Money,
    details: Details = NO_DETAILS,
    creation: Creation | None = None,
    new_listings: NewListings | None = None,
) -> Ticket:
    """Lists a ticket, once for each creation: a repeated one returns the listing as it was created then.

    Raises KeyReused for a creation whose key was sent before with another body, TooManyListings, and
    TooManyNewListings where `new_listings` counts them.
    """
    ticket = Ticket.offer(user.id, title, price, details)

    async def decide() -> Ticket:
        async with nullcontext() if new_listings is None else new_listings.one(user.id):
            await tickets.put_on_sale(ticket, creation)
        return ticket

    return ticket.created_as((await tickets.once(creation, decide)).id)


async def edit(
    tickets: TicketRepository,
    user: CurrentUser,
    ticket_id: str,
    title: str,
    price: Money,
    details: Details = NO_DETAILS,
    versions: Versions = None,
) -> Ticket:
    """A new day may put a listing on sale again whose day was over. Raises TooManyListings then."""

    async def decide() -> Ticket:
        ticket = await own(tickets, user, ticket_id)
        now = times.now()
        was_listed = ticket.is_listed(now)
        ticket.edit(title, price, details, versions)
        await _save(tickets, ticket, is_back=ticket.is_listed(now) and not was_listed)
        return ticket

    return await retrying(decide)


async def withdraw(
    tickets: TicketRepository, user: CurrentUser, ticket_id: str, versions: Versions = None
) -> None:
    async def decide() -> None:
        ticket = await own(tickets, user, ticket_id)
        ticket.withdraw(versions)
        await tickets.save(ticket)

    await retrying(decide)


async def relist(tickets: TicketRepository, user: CurrentUser, ticket_id: str) -> Ticket:
    async def decide() -> Ticket:
        ticket = await own(tickets, user, ticket_id)
        now = times.now()
        was_listed = ticket.is_listed(now)
        ticket.relist(now)
        await _save(tickets, ticket, is_back=not was_listed)
        return ticket

    return await retrying(decide)


async def _save(tickets: TicketRepository, ticket: Ticket, *, is_back: bool) -> None:
    """is_back: The listing counts among its seller's again, and needs a slot."""
    await (tickets.put_on_sale(ticket) if is_back else tickets.save(ticket))


async def _never() -> bool:
    return False


async def hold(
    tickets: TicketRepository,
    ticket_id: str,
    order_id: str,
    price: Money,
    is_known: Callable[[], Awaitable[bool]] = _never,
    buyer_id: str | None = None,
) -> None:
    """Holds the ticket unless `is_known`: whether the order's creation took effect before.

    It is asked after each reading of the ticket. So where another process held and freed the ticket, either
    that is known by then, or the ticket is past the version that was read and the save fails.
    """

    async def decide() -> None:
        ticket = await tickets.get(ticket_id)
        if await is_known():
            return
        ticket.hold(order_id, price, buyer_id)
        try:
            await tickets.save(ticket)
        except TicketAlreadyListed:
            # It was withdrawn a moment before the order reached it, and listed again by another file.
            log.warning("barcode on sale twice", extra={"ticket": ticket_id, "order": order_id})
            ticket.give_barcodes_up()
            await tickets.save(ticket)

    await retrying(decide)


async def release(tickets: TicketRepository, ticket_id: str, order_id: str) -> None:
    async def decide() -> None:
        ticket = await tickets.get(ticket_id)
        ticket.release(order_id)
        await tickets.save(ticket)

    await retrying(decide)


async def sell(tickets: TicketRepository, ticket_id: str, order_id: str) -> None:
    async def decide() -> None:
        ticket = await tickets.get(ticket_id)
        ticket.sell(order_id)
        await tickets.save(ticket)

    await retrying(decide)


async def shut_out(tickets: TicketRepository, ticket_id: str, order_id: str) -> None:
    """Makes a hold fail that another process decided for this order before its end was stored.

    Where the ticket is free, only a new version does that: it is held and freed. Another order's hold is a
    new version since the ticket was free.
    """

    async def decide() -> None:
        ticket = await tickets.get(ticket_id)
        if ticket.order_id is None:
            ticket.hold(order_id, ticket.price)
            await tickets.save(ticket)

    await retrying(decide)
    await release(tickets, ticket_id, order_id)


async def is_anothers(tickets: TicketRepository, ticket_id: str, order_id: str) -> bool:
    """Whether another order holds or bought the ticket."""
    return (await tickets.get(ticket_id)).order_id not in (None, order_id)


async def visible(
    tickets: TicketRepository, ticket_id: str, current_user: Callable[[], CurrentUser | None]
) -> Ticket:
    """Raises NotFound, of its kind TicketWithdrawn for all but the seller of a withdrawn ticket.

    current_user: Called for a withdrawn ticket alone.
    """
    ticket = await tickets.get(ticket_id)
    if ticket.status == "withdrawn":
        user = current_user()
        if user is None or user.id != ticket.user_id:
            raise TicketWithdrawn()
    return ticket


async def own(tickets: TicketRepository, user: CurrentUser, ticket_id: str) -> Ticket:
    """A listing of the user. Raises NotFound and NotAuthorized."""
    ticket = await visible(tickets, ticket_id, lambda: user)
    if ticket.user_id != user.id:
        raise NotAuthorized()
    return ticket
