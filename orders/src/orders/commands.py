"""Use cases: load, let the aggregate decide, save; retried after a lost race."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from common.base import times
from common.base.creation import Creation
from common.base.errors import NotAuthorized, NotFound
from common.base.identity import CurrentUser
from common.base.money import Money
from common.persistence.repository import retrying
from orders.domain import Order, PaymentState, Sale, Status
from orders.errors import EventOver, OwnTicket, PriceChanged, ReorderPaused
from orders.fulfilment.terms import Terms
from orders.limits import Limits
from orders.receipts import Receipt
from orders.repository import OrderRepository, Repositories


async def place(
    repositories: Repositories,
    user: CurrentUser,
    ticket_id: str,
    hold: timedelta,
    limits: Limits,
    seen_price: Money | None = None,
    creation: Creation | None = None,
) -> Order:
    """Raises NotFound, OwnTicket, EventOver, PriceChanged where `seen_price` is not the ticket's any more, or
    TicketReserved: of all who try at once, one gets the ticket. Raises ReorderPaused and TooManyOpenOrders
    for a buyer who is at a limit.

    Whether the ticket is free is decided by the reservation alone, when the order is stored. The replica
    may lag behind an order's end, and must not keep a freed ticket from its next buyer.

    With a creation whose key was sent before, returns the order of then, as it was placed. Raises KeyReused
    where that request had another body.
    """

    async def decide() -> Order:
        # Side by side: the second read costs no further round trip.
        listing, ends = await asyncio.gather(
            repositories.tickets.listing(ticket_id),
            _unpaid_ends(repositories.orders, user, ticket_id, limits),
        )
        if listing is None or listing.withdrawn:
            raise NotFound()
        if listing.seller_id == user.id:
            raise OwnTicket()
        now = times.now()
        if listing.ticket.details.is_over(now):
            raise EventOver()
        if seen_price is not None and seen_price != listing.ticket.price:
            raise PriceChanged()
        if (pause := limits.pause(ends, now)) > timedelta(0):
            raise ReorderPaused(times.whole_seconds(pause))
        order = Order.place(user.id, listing.ticket, now + hold, listing.seller_id)
        await repositories.orders.place(order, creation, limits.open_orders, hold)
        return order

    return (await repositories.orders.once(creation, decide)).as_placed()


async def _unpaid_ends(
    orders: OrderRepository, user: CurrentUser, ticket_id: str, limits: Limits
) -> Sequence[datetime]:
    return await orders.unpaid_ends(user.id, ticket_id) if limits.first_pause else ()


async def own(orders: OrderRepository, user: CurrentUser, order_id: str) -> Order:
    order = await orders.get(order_id)
    if order.user_id != user.id:
        raise NotAuthorized()
    return order


def receipt(order: Order) -> Receipt:
    """Raises NotFound for an order that is not complete."""
    if order.status is not Status.COMPLETE:
        raise NotFound()
    return Receipt(order.id, order.ticket.id)


async def paid(orders: OrderRepository, shown: Receipt) -> Order:
    """The order of a receipt. Raises NotFound unless it is complete, as the receipt says.

    So a code says nothing by its signature alone: a key that was known to others signed receipts, too.
    """
    order = await orders.get(shown.order_id)
    if receipt(order) != shown:
        raise NotFound()
    return order


async def cancel(orders: OrderRepository, user: CurrentUser, order_id: str) -> None:
    async def decide() -> None:
        order = await own(orders, user, order_id)
        order.cancel(times.now())
        await orders.save(order)

    await retrying(decide)


async def expire(orders: OrderRepository, order_id: str, hold: timedelta) -> None:
    """Raises NotDue for an order that still has time."""
    await change(orders, order_id, lambda order: order.expire(times.now(), hold))


async def await_payment(orders: OrderRepository, order_id: str) -> None:
    await change(orders, order_id, Order.await_payment)


async def complete(repositories: Repositories, order_id: str, terms: Terms) -> None:
    """Completes the order and begins its fulfilment, by the listing as the replica has it."""

    async def decide() -> None:
        order = await repositories.orders.get(order_id)
        listing = await repositories.tickets.listing(order.ticket.id)
        sale = None if listing is None else Sale(listing.seller_id, listing.has_file)
        order.complete(times.now(), sale, terms)
        await repositories.orders.save(order)

    await retrying(decide)


async def settle(orders: OrderRepository, order_id: str, payment: PaymentState) -> None:
    await change(orders, order_id, lambda order: order.settle(payment))


async def change(orders: OrderRepository, order_id: str, step: Callable[[Order], None]) -> None:
    """Takes the step that an event or a sweep decided. Raises NotFound, and what `step` raises."""

    async def decide() -> None:
        order = await orders.get(order_id)
        step(order)
        await orders.save(order)

    await retrying(decide)
