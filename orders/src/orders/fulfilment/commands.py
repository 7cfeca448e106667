"""Use cases of a fulfilment, by its buyer, its seller, a deadline or the provider."""

from collections.abc import Callable
from typing import TypeVar

from common.base import times
from common.base.errors import NotAuthorized
from common.base.identity import CurrentUser
from common.base.money import Money
from common.contract.events import DeadlineKind
from common.persistence.repository import retrying
from orders.commands import change, own
from orders.domain import Order
from orders.fulfilment.domain import Claim
from orders.fulfilment.errors import NotPaid
from orders.fulfilment.terms import Terms
from orders.repository import OrderRepository, Repositories

T = TypeVar("T")


async def sale(orders: OrderRepository, user: CurrentUser, order_id: str) -> Order:
    """The order, for its seller. Raises NotFound, NotAuthorized, and NotPaid before it is complete."""
    order = await orders.get(order_id)
    if order.seller_id != user.id:
        raise NotAuthorized()
    if order.fulfilment is None:
        raise NotPaid()
    return order


async def deliver(orders: OrderRepository, user: CurrentUser, order_id: str, terms: Terms) -> None:
    await _as_seller(orders, user, order_id, lambda order: order.deliver(times.now(), terms))


async def refund(orders: OrderRepository, user: CurrentUser, order_id: str) -> None:
    await _as_seller(orders, user, order_id, Order.refund)


async def answer(orders: OrderRepository, user: CurrentUser, order_id: str, words: str) -> None:
    await _as_seller(orders, user, order_id, lambda order: order.answer(words, times.now()))


async def accept(orders: OrderRepository, user: CurrentUser, order_id: str) -> None:
    await _as_buyer(orders, user, order_id, Order.accept)


async def claim(orders: OrderRepository, user: CurrentUser, order_id: str, reason: str, words: str) -> Claim:
    """Returns the open claim, also where the same one was made before."""
    return await _as_buyer(orders, user, order_id, lambda o: o.claim(Claim(reason, words, times.now())))


async def _as_seller(
    orders: OrderRepository, user: CurrentUser, order_id: str, change: Callable[[Order], None]
) -> None:
    async def decide() -> None:
        order = await sale(orders, user, order_id)
        change(order)
        await orders.save(order)

    await retrying(decide)


async def _as_buyer(
    orders: OrderRepository, user: CurrentUser, order_id: str, change: Callable[[Order], T]
) -> T:
    async def decide() -> T:
        order = await own(orders, user, order_id)
        result = change(order)
        await orders.save(order)
        return result

    return await retrying(decide)


async def pass_deadline(orders: OrderRepository, order_id: str, kind: DeadlineKind) -> None:
    """Raises NotDue before the deadline; drops a deadline of another state."""
    await change(orders, order_id, lambda order: order.pass_deadline(kind, times.now()))


async def adopt(repositories: Repositories, order_id: str, terms: Terms) -> None:
    """Begins the fulfilment of an order that a release without it completed.

    Nothing changes while its ticket's replica is lost.
    """

    async def decide() -> None:
        order = await repositories.orders.get(order_id)
        listing = await repositories.tickets.listing(order.ticket.id)
        if listing is not None:
            order.adopt(times.now(), listing.seller_id, terms)
            await repositories.orders.save(order)

    await retrying(decide)


async def dispute_at_bank(orders: OrderRepository, order_id: str, is_open: bool) -> None:
    """Raises NotPaid for an order whose fulfilment has not begun."""
    await change(orders, order_id, lambda order: order.dispute_at_bank(is_open))


async def pay_out(orders: OrderRepository, order_id: str, amount: Money) -> None:
    """Raises NotPaid for an order whose fulfilment has not begun."""
    await change(orders, order_id, lambda order: order.pay_out(amount))
