"""What this service reacts to: orders, of which it keeps a replica, and whose end settles the payment."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.listener import Listener
from payments.desk import Desk
from payments.settlement import settle

QUEUE_GROUP = "payments"

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


def order_fields(event: OrderEvent) -> Mapping[str, Any]:
    """What an order's event says about its replica."""
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
    """Settles at an order's end, also when that was applied before: a crash may have come between."""

    queue_group = QUEUE_GROUP

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def on_message(self, event: OrderEvent) -> None:
        await self._desk.repositories.orders.apply(event.id, event.version, order_fields(event))
        if isinstance(event, OrderCancelled | OrderCompleted):
            await settle(self._desk, event.id)


def listeners(desk: Desk) -> Sequence[Listener[Any]]:
    return [OrderListener(desk)]
