"""Listener to the orders' events: updates the replica, and settles the payment at an order's end."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.listener import Listener
from payments.context import PaymentContext
from payments.settlement import settle_order

QUEUE_GROUP = "payments"

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


def order_fields(event: OrderEvent) -> Mapping[str, Any]:
    """Fields that an order's event sets in the replica."""
    match event:
        case OrderCreated():
            return {
                "status": event.status,
                "user_id": event.user_id,
                "price_cents": event.ticket.price.cents,
                "expires_at": event.expires_at,
            }
        case OrderUpdated():
            return {"status": event.status}
        case OrderCancelled():
            return {"status": "cancelled"}
        case OrderCompleted():
            return {"status": "complete"}


class OrderListener(Listener[OrderEvent]):
    """Applies each event to the replica, and settles the payment at an order's end.

    The settlement runs also if the event was applied before, because a crash may have come between the two.
    """

    queue_group = QUEUE_GROUP

    def __init__(self, context: PaymentContext) -> None:
        self._context = context

    async def on_message(self, event: OrderEvent) -> None:
        await self._context.repositories.orders.apply(event.id, event.version, order_fields(event))
        if isinstance(event, OrderCancelled | OrderCompleted):
            await settle_order(self._context, event.id)


def listeners(context: PaymentContext) -> Sequence[Listener[Any]]:
    return [OrderListener(context)]
