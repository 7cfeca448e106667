"""What this service reacts to: orders, of which it keeps a replica, and whose end settles the payment."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from common.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated, VersionedEvent
from common.listener import Listener
from payments.desk import Desk
from payments.settlement import settle

QUEUE_GROUP = "payments"

E = TypeVar("E", bound=VersionedEvent)


class _OrderListener(Listener[E]):
    queue_group = QUEUE_GROUP

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _apply(self, event: E, fields: Mapping[str, Any]) -> None:
        """Settles also what was applied before: a crash may have come between the two."""
        await self._desk.repositories.orders.apply(event.id, event.version, fields)
        await settle(self._desk, event.id)


class OrderCreatedListener(_OrderListener[OrderCreated]):
    event = OrderCreated

    async def on_message(self, event: OrderCreated) -> None:
        fields = {
            "status": event.status,
            "user_id": event.user_id,
            "price_cents": event.ticket.price.cents,
            "expires_at": event.expires_at,
        }
        await self._apply(event, fields)


class OrderUpdatedListener(_OrderListener[OrderUpdated]):
    event = OrderUpdated

    async def on_message(self, event: OrderUpdated) -> None:
        await self._apply(event, {"status": event.status})


class OrderCancelledListener(_OrderListener[OrderCancelled]):
    event = OrderCancelled

    async def on_message(self, event: OrderCancelled) -> None:
        await self._apply(event, {"status": "cancelled"})


class OrderCompletedListener(_OrderListener[OrderCompleted]):
    event = OrderCompleted

    async def on_message(self, event: OrderCompleted) -> None:
        await self._apply(event, {"status": "complete"})


def listeners(desk: Desk) -> Sequence[Listener[Any]]:
    return [
        OrderCreatedListener(desk),
        OrderUpdatedListener(desk),
        OrderCancelledListener(desk),
        OrderCompletedListener(desk),
    ]
