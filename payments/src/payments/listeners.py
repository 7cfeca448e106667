"""What this service reacts to: orders, of which it keeps a replica, and whose end settles the payment."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.listener import Listener
from payments.desk import Desk
from payments.settlement import settle

QUEUE_GROUP = "payments"

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted
E = TypeVar("E", OrderCreated, OrderUpdated, OrderCancelled, OrderCompleted)


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


class _OrderListener(Listener[E]):
    """Settles at an order's end, also when that was applied before: a crash may have come between."""

    queue_group = QUEUE_GROUP
    ends_order: ClassVar[bool] = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def on_message(self, event: E) -> None:
        await self._desk.repositories.orders.apply(event.id, event.version, order_fields(event))
        if self.ends_order:
            await settle(self._desk, event.id)


class OrderCreatedListener(_OrderListener[OrderCreated]):
    event = OrderCreated


class OrderUpdatedListener(_OrderListener[OrderUpdated]):
    event = OrderUpdated


class OrderCancelledListener(_OrderListener[OrderCancelled]):
    event = OrderCancelled
    ends_order = True


class OrderCompletedListener(_OrderListener[OrderCompleted]):
    event = OrderCompleted
    ends_order = True


def listeners(desk: Desk) -> Sequence[Listener[Any]]:
    return [
        OrderCreatedListener(desk),
        OrderUpdatedListener(desk),
        OrderCancelledListener(desk),
        OrderCompletedListener(desk),
    ]
