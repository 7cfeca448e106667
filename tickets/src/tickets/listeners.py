"""Listeners: orders hold, free or buy tickets."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
    OrderUpdated,
    UserDeleted,
)
from common.messaging.events import VersionedEvent
from common.messaging.listener import Listener, NotYet
from common.persistence.replica import VersionGap
from tickets import commands
from tickets.deleted_sellers import close_listings
from tickets.errors import HeldByAnother
from tickets.repository import ENDED, REFUNDED, Repositories, TicketRepository

QUEUE_GROUP = "tickets"

E = TypeVar("E", bound=VersionedEvent)
Effect = Callable[[TicketRepository, str, str], Awaitable[None]]
"""Called with the ticket's id and the order's id."""


class _OrderListener(Listener[E]):
    """Applies each order's events in order of version.

    Without it, a cancellation that overtakes its order's creation would leave the ticket held for ever.
    """

    queue_group = QUEUE_GROUP

    def __init__(self, repositories: Repositories) -> None:
        self._tickets = repositories.tickets
        self._orders = repositories.orders

    async def _apply(
        self, event: E, ticket_id: str, effect: Effect, fields: Mapping[str, Any] | None = None
    ) -> None:
        await self._orders.in_order(
            event.id, event.version, lambda: effect(self._tickets, ticket_id, event.id), fields
        )


class OrderCreatedListener(_OrderListener[OrderCreated]):
    async def on_message(self, event: OrderCreated) -> None:
        ticket_id, price = event.ticket.id, event.ticket.price
        try:
            await commands.hold(
                self._tickets,
                ticket_id,
                event.id,
                price,
                lambda: self._orders.has_begun(event.id),
                event.user_id,
            )
        except HeldByAnother as held:
            raise NotYet(str(held)) from held
        noted = await self._orders.apply(event.id, event.version, {})
        if not noted and await self._orders.has_ended(event.id):
            # Another process stored the order's end after this one asked whether it had begun.
            await commands.release(self._tickets, ticket_id, event.id)


FollowedEvent = OrderUpdated | OrderDelivered | OrderAccepted | OrderDisputed


class FollowedOrderListener(_OrderListener[FollowedEvent]):
    async def on_message(self, event: FollowedEvent) -> None:
        await self._apply(event, event.ticket.id, _noop)


class OrderCancelledListener(_OrderListener[OrderCancelled]):
    async def on_message(self, event: OrderCancelled) -> None:
        """Releases the ticket. An order may end before it held its ticket, if a later order overtook it.

        Then the ticket is the later order's, and the missing versions are not awaited: it might be sold for
        good.
        """
        try:
            await self._apply(event, event.ticket.id, commands.release, ENDED)
        except VersionGap:
            if not await commands.is_anothers(self._tickets, event.ticket.id, event.id):
                raise
            await self._orders.end(event.id, event.version)
            await commands.shut_out(self._tickets, event.ticket.id, event.id)


class OrderCompletedListener(_OrderListener[OrderCompleted]):
    async def on_message(self, event: OrderCompleted) -> None:
        await self._apply(event, event.ticket.id, commands.sell)


class OrderRefundedListener(_OrderListener[OrderRefunded]):
    """Closes the file to its buyer. The ticket stays sold."""

    async def on_message(self, event: OrderRefunded) -> None:
        await self._apply(event, event.ticket.id, _noop, REFUNDED)


async def _noop(_tickets: TicketRepository, _ticket_id: str, _order_id: str) -> None:
    """Changes nothing on the ticket: only the order's version advances."""


class UserDeletedListener(Listener[UserDeleted]):
    """Stores the id, by which a job repeats the effect for what a request in progress stores afterwards."""

    queue_group = QUEUE_GROUP

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def on_message(self, event: UserDeleted) -> None:
        await self._repositories.deleted_users.add(event.id)
        await close_listings(self._repositories.tickets, event.id)


def listeners(repositories: Repositories) -> Sequence[Listener[Any]]:
    return [
        OrderCreatedListener(repositories),
        FollowedOrderListener(repositories),
        OrderCancelledListener(repositories),
        OrderCompletedListener(repositories),
        OrderRefundedListener(repositories),
        UserDeletedListener(repositories),
    ]
