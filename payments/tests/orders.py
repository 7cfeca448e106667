"""Events of orders, as this service receives them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common.base import times
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderedTicket,
    OrderRefunded,
    OrderUpdated,
    TicketRef,
)
from common.messaging.events import VersionedEvent
from common.messaging.publisher import Publisher, send
from common.messaging.stream import Stream
from common.testing.browser import a_user


def _in_a_while() -> datetime:
    return times.now() + timedelta(minutes=15)


@dataclass
class AnOrder:
    """Order that builds its events, one version after another."""

    buyer: CurrentUser = field(default_factory=a_user)
    price: Money = field(default_factory=lambda: Money(1999))
    expires_at: datetime = field(default_factory=_in_a_while)
    id: str = field(default_factory=new_id)
    ticket_id: str = field(default_factory=new_id)
    seller_id: str = field(default_factory=new_id)
    version: int = -1

    def created(self) -> OrderCreated:
        return OrderCreated(
            id=self.id,
            version=self._next(),
            status="created",
            user_id=self.buyer.id,
            expires_at=self.expires_at,
            ticket=OrderedTicket(id=self.ticket_id, price=self.price),
        )

    def updated(self, status: str) -> OrderUpdated:
        return OrderUpdated(
            id=self.id, version=self._next(), status=status, ticket=TicketRef(id=self.ticket_id)
        )

    def cancelled(self) -> OrderCancelled:
        return OrderCancelled(id=self.id, version=self._next(), ticket=TicketRef(id=self.ticket_id))

    def completed(self) -> OrderCompleted:
        return OrderCompleted(id=self.id, version=self._next(), ticket=TicketRef(id=self.ticket_id))

    def delivered(self) -> OrderDelivered:
        return OrderDelivered(**self._fulfilment(), accept_by=self.expires_at)

    def accepted(self) -> OrderAccepted:
        return OrderAccepted(**self._fulfilment())

    def disputed(self) -> OrderDisputed:
        return OrderDisputed(**self._fulfilment())

    def refunded(self) -> OrderRefunded:
        return OrderRefunded(**self._fulfilment())

    def _fulfilment(self) -> dict[str, Any]:
        ticket = TicketRef(id=self.ticket_id)
        return {"id": self.id, "version": self._next(), "ticket": ticket, "seller_id": self.seller_id}

    def _next(self) -> int:
        self.version += 1
        return self.version


async def emit(stream: Stream, event: VersionedEvent) -> None:
    """Publishes an event as the orders service does."""

    class _Publisher(Publisher[VersionedEvent], source="orders"): ...

    await send(stream, _Publisher(stream).envelope(event, event.version))
