"""The order: holds one ticket for its buyer until it is paid, cancelled or expired."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from common.base.ids import new_id
from common.base.money import Money
from common.contract.details import NO_DETAILS, Details
from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderUpdated,
    TicketRef,
)
from common.persistence.aggregate import Aggregate
from orders.errors import NotDue, OrderComplete


class Status(StrEnum):
    CREATED = "created"
    AWAITING_PAYMENT = "awaiting:payment"
    """The card needs a further step by its owner (3-D Secure); expiry waits for at most one more hold."""
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class EndedBecause(StrEnum):
    """Why an order ended without being complete. Its status is `cancelled` in each case."""

    CANCELLED = "cancelled"
    """By its buyer."""
    EXPIRED = "expired"


class PaymentState(StrEnum):
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it was when it was ordered: the buyer pays this price."""

    id: str
    title: str
    price: Money
    details: Details = NO_DETAILS


@dataclass(kw_only=True)
class Order(Aggregate):
    user_id: str
    ticket: Ticket
    expires_at: datetime
    status: Status = Status.CREATED
    payment: PaymentState | None = None
    ended_because: str | None = None
    """An `EndedBecause`, or a reason that only a newer release knows; None also for an older release's."""
    completed_at: datetime | None = None
    """None also for an order that an older release completed."""
    ended_at: datetime | None = None
    """When it was cancelled or expired; None also for an end by a release that did not store it."""

    def held_until(self, hold: timedelta) -> datetime | None:
        """The time at which the hold ends by itself; None once the order is complete or has ended."""
        if self.status is Status.AWAITING_PAYMENT:
            return self.expires_at + hold
        return self.expires_at if self.status is Status.CREATED else None

    @property
    def reservation(self) -> str | None:
        """Id of the ticket while this order holds or bought it; None once it is free for others."""
        return None if self.status is Status.CANCELLED else self.ticket.id

    @classmethod
    def place(cls, user_id: str, ticket: Ticket, expires_at: datetime) -> "Order":
        order = cls(id=new_id(), user_id=user_id, ticket=ticket, expires_at=expires_at)
        return order.record(
            OrderCreated(
                id=order.id,
                version=order.next_version,
                status=order.status,
                user_id=user_id,
                expires_at=expires_at,
                ticket=OrderedTicket(id=ticket.id, price=ticket.price),
            )
        )

    def as_placed(self) -> "Order":
        """This order as it was when it was placed, however it went on."""
        return replace(
            self,
            version=0,
            status=Status.CREATED,
            payment=None,
            ended_because=None,
            ended_at=None,
            completed_at=None,
        )

    def cancel(self, now: datetime) -> None:
        """Cancels for the buyer. Idempotent. Raises OrderComplete once it is paid."""
        if self.status is Status.COMPLETE:
            raise OrderComplete()
        self._end(EndedBecause.CANCELLED, now)

    def expire(self, now: datetime, hold: timedelta) -> None:
        """Expires an overdue order. Raises NotDue before that.

        Nothing changes for an order that has ended, nor for one whose card's owner still has time.
        """
        until = self.held_until(hold)
        if until is None:
            return
        if now >= until:
            self._end(EndedBecause.EXPIRED, now)
        elif self.status is Status.CREATED:
            raise NotDue(f"order {self.id} is held until {until}")

    def await_payment(self) -> None:
        """Records that the card's owner was asked for a further step."""
        if self.status is Status.CREATED:
            self.status = Status.AWAITING_PAYMENT
            self._updated()

    def complete(self, now: datetime) -> None:
        """Completes the order once the money is authorised, unless it was cancelled before."""
        if self.status in (Status.CREATED, Status.AWAITING_PAYMENT):
            self.status = Status.COMPLETE
            self.payment, self.completed_at = PaymentState.AUTHORIZED, now
            self.record(
                OrderCompleted(
                    id=self.id,
                    version=self.next_version,
                    ticket=TicketRef(id=self.ticket.id),
                    completed_at=now,
                )
            )

    def settle(self, payment: PaymentState) -> None:
        """Records, for the buyer, whether the money was taken."""
        if self.payment in (PaymentState.CAPTURED, PaymentState.VOIDED):
            return
        self.payment = payment
        self._updated()

    def _end(self, because: EndedBecause, now: datetime) -> None:
        if self.status is Status.CANCELLED:
            return
        self.status, self.ended_because, self.ended_at = Status.CANCELLED, because.value, now
        self.record(
            OrderCancelled(
                id=self.id,
                version=self.next_version,
                ticket=TicketRef(id=self.ticket.id),
                ended_because=self.ended_because,
                ended_at=now,
            )
        )

    def _updated(self) -> None:
        self.record(
            OrderUpdated(
                id=self.id,
                version=self.next_version,
                status=self.status,
                ticket=TicketRef(id=self.ticket.id),
            )
        )
