"""Orders of users who deleted their accounts: unpaid ones are cancelled, paid ones run to their end."""

from contextlib import suppress

from common.base import times
from common.persistence.repository import retrying
from orders.domain import Order, Status
from orders.errors import OrderComplete
from orders.repository import OrderRepository

PAGE = 100
OPEN = (Status.CREATED, Status.AWAITING_PAYMENT)


async def cancel_orders(orders: OrderRepository, buyer_id: str) -> None:
    """Idempotent; broken off, it goes on where it is begun again."""
    before = None
    while found := await orders.of_buyer(buyer_id, PAGE, before):
        for order in found:
            if order.status in OPEN:
                await _cancel(orders, order)
        before = found[-1].id


async def _cancel(orders: OrderRepository, seen: Order) -> None:
    async def decide() -> None:
        order = await orders.get(seen.id)
        # It was paid meanwhile: the buyer's money decides.
        with suppress(OrderComplete):
            order.cancel(times.now())
        await orders.save(order)

    await retrying(decide)
