"""Listener to the orders' events: updates the replica, begins and ends the order's charge.

A complete order's fulfilment decides where its money goes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from common.base import times
from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
    OrderUpdated,
)
from common.messaging.listener import Listener
from payments.context import PaymentContext
from payments.domain import Charge
from payments.fulfilment import settle_due
from payments.order import Fulfilment, Order
from payments.settlement import settle_order

QUEUE_GROUP = "payments"

FulfilmentEvent = OrderDelivered | OrderAccepted | OrderDisputed | OrderRefunded
OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted | FulfilmentEvent


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
        case OrderDelivered() | OrderAccepted() | OrderDisputed() | OrderRefunded():
            return {"fulfilment": str(_FULFILMENT[type(event)]), "seller_id": event.seller_id}


_FULFILMENT: Mapping[type[FulfilmentEvent], Fulfilment] = {
    OrderDelivered: Fulfilment.DELIVERED,
    OrderAccepted: Fulfilment.ACCEPTED,
    OrderDisputed: Fulfilment.DISPUTED,
    OrderRefunded: Fulfilment.REFUNDED,
}


def order_of(event: OrderCreated) -> Order:
    return Order(event.id, event.user_id, event.status, event.ticket.price, event.expires_at)


class OrderListener(Listener[OrderEvent]):
    """Applies each event to the replica, stores a new order's charge, settles the payment at an order's end.

    The settlement runs also if the event was applied before, because a crash may have come between the two.
    """

    queue_group = QUEUE_GROUP

    def __init__(self, context: PaymentContext) -> None:
        self._context = context

    async def on_message(self, event: OrderEvent) -> None:
        stores, now = self._context.repositories, times.now()
        await stores.orders.apply(event.id, event.version, order_fields(event))
        if isinstance(event, OrderCreated):
            # The sweep makes the intent, so that a provider that is away holds up no event.
            await stores.charges.add(Charge.of(order_of(event), now))
        if isinstance(event, OrderCancelled):
            await stores.charges.hurry(event.id, now)
        if isinstance(event, OrderCancelled | OrderCompleted):
            await settle_order(self._context, event.id)
        if isinstance(event, FulfilmentEvent):
            goal = _FULFILMENT[type(event)]
            await stores.dues.follow(event.id, event.version, goal, event.seller_id, now)
            await settle_due(self._context, event.id)


def listeners(context: PaymentContext) -> Sequence[Listener[Any]]:
    return [OrderListener(context)]
