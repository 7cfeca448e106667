"""Events of tickets, orders and payments about one sale."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from common.base import times
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
    PaymentVoided,
    PayoutMade,
    TicketCreated,
    TicketRef,
    TicketUpdated,
    TicketWithdrawn,
)

HOLD = timedelta(minutes=15)


def made(record_id: str, at: datetime) -> str:
    """The id as if it was made at another time."""
    return f"{int(at.timestamp()):08x}{record_id[8:]}"


@dataclass
class SaleEvents:
    seller_id: str = "seller"
    buyer_id: str = "buyer"
    title: str = "Opera"
    ticket_id: str = field(default_factory=new_id)
    order_id: str = field(default_factory=new_id)
    payment_id: str = field(default_factory=new_id)

    def listed(self, day: date | None = date(2026, 12, 24)) -> TicketCreated:
        fields = {"id": self.ticket_id, "title": self.title, "price": Money(2050), "user_id": self.seller_id}
        return TicketCreated(**fields, version=0, event_date=day)

    def edited(self, version: int, title: str, day: date | None = None) -> TicketUpdated:
        fields = {"id": self.ticket_id, "price": Money(2050), "user_id": self.seller_id}
        return TicketUpdated(**fields, version=version, title=title, event_date=day)

    def withdrawn(self, version: int) -> TicketWithdrawn:
        return TicketWithdrawn(id=self.ticket_id, version=version)

    def ordered(self, hold: timedelta = HOLD) -> OrderCreated:
        return OrderCreated(
            id=self.order_id,
            version=0,
            status="created",
            user_id=self.buyer_id,
            expires_at=times.now() + hold,
            ticket=OrderedTicket(id=self.ticket_id, price=Money(2050)),
        )

    def awaiting(self, version: int) -> OrderUpdated:
        ticket = TicketRef(id=self.ticket_id)
        return OrderUpdated(id=self.order_id, version=version, status="awaiting:payment", ticket=ticket)

    def cancelled(self, version: int) -> OrderCancelled:
        return OrderCancelled(id=self.order_id, version=version, ticket=TicketRef(id=self.ticket_id))

    def completed(self, version: int, at: datetime | None = None) -> OrderCompleted:
        """at: Now where it is None."""
        ticket = TicketRef(id=self.ticket_id)
        return OrderCompleted(
            id=self.order_id, version=version, ticket=ticket, completed_at=at or times.now()
        )

    def completed_by_an_older_release(self, version: int) -> OrderCompleted:
        return OrderCompleted(id=self.order_id, version=version, ticket=TicketRef(id=self.ticket_id))

    def delivered(self, version: int, at: datetime | None = None) -> OrderDelivered:
        return OrderDelivered(**self._fulfilled(version, at), accept_by=times.now() + timedelta(days=7))

    def accepted(self, version: int, at: datetime | None = None) -> OrderAccepted:
        return OrderAccepted(**self._fulfilled(version, at))

    def disputed(self, version: int, at: datetime | None = None) -> OrderDisputed:
        return OrderDisputed(**self._fulfilled(version, at))

    def refunded(self, version: int, at: datetime | None = None) -> OrderRefunded:
        return OrderRefunded(**self._fulfilled(version, at))

    def _fulfilled(self, version: int, at: datetime | None) -> dict[str, Any]:
        ticket = TicketRef(id=self.ticket_id)
        return {
            "id": self.order_id,
            "version": version,
            "ticket": ticket,
            "seller_id": self.seller_id,
            "at": at,
        }

    def paid_out(self, cents: int, at: datetime | None = None) -> PayoutMade:
        return PayoutMade(id=self.payment_id, order_id=self.order_id, amount=Money(cents), at=at)

    def voided(self) -> PaymentVoided:
        return PaymentVoided(id=self.payment_id, order_id=self.order_id)
