"""What this service reacts to: tickets, of which it keeps a replica, timers, and payments."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from common.events import (
    Event,
    ExpirationComplete,
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentVoided,
    TicketCreated,
    TicketUpdated,
    TicketWithdrawn,
)
from common.listener import Listener, NotYet
from orders import commands
from orders.domain import PaymentState
from orders.errors import NotDue
from orders.repository import OrderRepository, Repositories, TicketReplica

QUEUE_GROUP = "orders"

E = TypeVar("E", bound=Event)


class _TicketListener(Listener[E]):
    queue_group = QUEUE_GROUP

    def __init__(self, tickets: TicketReplica) -> None:
        self._tickets = tickets


class TicketCreatedListener(_TicketListener[TicketCreated]):
    event = TicketCreated

    async def on_message(self, event: TicketCreated) -> None:
        fields = {"title": event.title, "price_cents": event.price.cents, "user_id": event.user_id}
        await self._tickets.apply(event.id, event.version, fields)


class TicketUpdatedListener(_TicketListener[TicketUpdated]):
    event = TicketUpdated

    async def on_message(self, event: TicketUpdated) -> None:
        fields = {"title": event.title, "price_cents": event.price.cents, "order_id": event.order_id}
        await self._tickets.apply(event.id, event.version, fields)


class TicketWithdrawnListener(_TicketListener[TicketWithdrawn]):
    event = TicketWithdrawn

    async def on_message(self, event: TicketWithdrawn) -> None:
        await self._tickets.apply(event.id, event.version, {"withdrawn": True})


class _OrderListener(Listener[E]):
    queue_group = QUEUE_GROUP

    def __init__(self, orders: OrderRepository) -> None:
        self._orders = orders


class ExpirationCompleteListener(Listener[ExpirationComplete]):
    event = ExpirationComplete
    queue_group = QUEUE_GROUP

    def __init__(self, orders: OrderRepository, hold: timedelta) -> None:
        self._orders = orders
        self._hold = hold

    async def on_message(self, event: ExpirationComplete) -> None:
        try:
            await commands.expire(self._orders, event.order_id, self._hold)
        except NotDue as early:
            # The timer's clock is ahead of ours.
            raise NotYet(str(early)) from early


class PaymentAwaitingListener(_OrderListener[PaymentAwaiting]):
    event = PaymentAwaiting

    async def on_message(self, event: PaymentAwaiting) -> None:
        await commands.await_payment(self._orders, event.order_id)


class PaymentCreatedListener(_OrderListener[PaymentCreated]):
    event = PaymentCreated

    async def on_message(self, event: PaymentCreated) -> None:
        await commands.complete(self._orders, event.order_id)


class PaymentCapturedListener(_OrderListener[PaymentCaptured]):
    event = PaymentCaptured

    async def on_message(self, event: PaymentCaptured) -> None:
        await commands.settle(self._orders, event.order_id, PaymentState.CAPTURED)


class PaymentVoidedListener(_OrderListener[PaymentVoided]):
    event = PaymentVoided

    async def on_message(self, event: PaymentVoided) -> None:
        await commands.settle(self._orders, event.order_id, PaymentState.VOIDED)


def listeners(repositories: Repositories, hold: timedelta) -> Sequence[Listener[Any]]:
    tickets, orders = repositories.tickets, repositories.orders
    return [
        TicketCreatedListener(tickets),
        TicketUpdatedListener(tickets),
        TicketWithdrawnListener(tickets),
        ExpirationCompleteListener(orders, hold),
        PaymentAwaitingListener(orders),
        PaymentCreatedListener(orders),
        PaymentCapturedListener(orders),
        PaymentVoidedListener(orders),
    ]
