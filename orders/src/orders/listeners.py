"""Listeners: tickets (kept as a replica), timers, payments."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from common.contract.events import (
    ExpirationComplete,
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentVoided,
    TicketCreated,
    TicketUpdated,
    TicketWithdrawn,
    UserDeleted,
)
from common.messaging.events import Event
from common.messaging.listener import Listener, NotYet
from orders import commands
from orders.deleted_buyers import cancel_orders
from orders.domain import PaymentState
from orders.errors import NotDue
from orders.repository import OrderRepository, Repositories, TicketReplica

QUEUE_GROUP = "orders"

E = TypeVar("E", bound=Event)
TicketEvent = TicketCreated | TicketUpdated | TicketWithdrawn


def ticket_fields(event: TicketEvent) -> Mapping[str, Any]:
    """Fields of the replica that a ticket's event sets."""
    match event:
        case TicketCreated():
            return {**_offer(event), "user_id": event.user_id}
        case TicketUpdated():
            return {**_offer(event), "order_id": event.order_id, **_sale(event)}
        case TicketWithdrawn():
            return {"withdrawn": True}


def _offer(event: TicketCreated | TicketUpdated) -> Mapping[str, Any]:
    """Without details for an event that is older than them: the replica's stay."""
    fields = {"title": event.title, "price_cents": event.price.cents}
    return fields if event.details is None else {**fields, "details": event.details.to_document()}


def _sale(event: TicketUpdated) -> Mapping[str, Any]:
    """Nothing for an event of a release that can't put a ticket back on sale."""
    return {} if event.withdrawn is None else {"withdrawn": event.withdrawn}


class TicketListener(Listener[TicketEvent]):
    queue_group = QUEUE_GROUP

    def __init__(self, tickets: TicketReplica) -> None:
        self._tickets = tickets

    async def on_message(self, event: TicketEvent) -> None:
        await self._tickets.apply(event.id, event.version, ticket_fields(event))


class _OrderListener(Listener[E]):
    queue_group = QUEUE_GROUP

    def __init__(self, orders: OrderRepository) -> None:
        self._orders = orders


class ExpirationCompleteListener(Listener[ExpirationComplete]):
    queue_group = QUEUE_GROUP

    def __init__(self, orders: OrderRepository, hold: timedelta) -> None:
        self._orders = orders
        self._hold = hold

    async def on_message(self, event: ExpirationComplete) -> None:
        try:
            await commands.expire(self._orders, event.order_id, self._hold)
        except NotDue as early:
            # The clock of the timer's process is ahead of this one's.
            raise NotYet(str(early)) from early


class PaymentAwaitingListener(_OrderListener[PaymentAwaiting]):
    async def on_message(self, event: PaymentAwaiting) -> None:
        await commands.await_payment(self._orders, event.order_id)


class PaymentCreatedListener(_OrderListener[PaymentCreated]):
    async def on_message(self, event: PaymentCreated) -> None:
        await commands.complete(self._orders, event.order_id)


class PaymentCapturedListener(_OrderListener[PaymentCaptured]):
    async def on_message(self, event: PaymentCaptured) -> None:
        await commands.settle(self._orders, event.order_id, PaymentState.CAPTURED)


class PaymentVoidedListener(_OrderListener[PaymentVoided]):
    async def on_message(self, event: PaymentVoided) -> None:
        await commands.settle(self._orders, event.order_id, PaymentState.VOIDED)


class UserDeletedListener(Listener[UserDeleted]):
    """Stores the id, by which a job repeats the effect for what a request in progress stores afterwards."""

    queue_group = QUEUE_GROUP

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def on_message(self, event: UserDeleted) -> None:
        await self._repositories.deleted_users.add(event.id)
        await cancel_orders(self._repositories.orders, event.id)


def listeners(repositories: Repositories, hold: timedelta) -> Sequence[Listener[Any]]:
    tickets, orders = repositories.tickets, repositories.orders
    return [
        TicketListener(tickets),
        ExpirationCompleteListener(orders, hold),
        PaymentAwaitingListener(orders),
        PaymentCreatedListener(orders),
        PaymentCapturedListener(orders),
        PaymentVoidedListener(orders),
        UserDeletedListener(repositories),
    ]
