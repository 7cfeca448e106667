"""The order: holds one ticket for its buyer until it is paid, cancelled or expired."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from common.base.ids import new_id
from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderUpdated,
    TicketRef,
)
from orders.errors import NotDue, OrderComplete
from orders.fulfilment.aggregate import FulfilledOrder
from orders.fulfilment.domain import Fulfilment, State
from orders.fulfilment.terms import Terms
from orders.ticket import Ticket as Ticket


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
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Sale:
    """The seller's side of an order at its completion. has_file: Whether the listing has the ticket."""

    seller_id: str
    has_file: bool = False


RETURNED = (PaymentState.VOIDED, PaymentState.REFUNDED)
"""The buyer has the money, for good."""


@dataclass(kw_only=True)
class Order(FulfilledOrder):
    user_id: str
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
    def place(
        cls, user_id: str, ticket: Ticket, expires_at: datetime, seller_id: str | None = None
    ) -> "Order":
        order = cls(id=new_id(), user_id=user_id, ticket=ticket, expires_at=expires_at, seller_id=seller_id)
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
            fulfilment=None,
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
            self.updated()

    def complete(self, now: datetime, sale: Sale | None, terms: Terms) -> None:
        """Completes the order once the money is authorised, unless it was cancelled before.

        Its fulfilment begins in the same step. sale: None where the ticket's replica was lost; then the sweep
        begins the fulfilment.
        """
        if self.status not in (Status.CREATED, Status.AWAITING_PAYMENT):
            return
        self.status = Status.COMPLETE
        self.payment, self.completed_at = PaymentState.AUTHORIZED, now
        if sale is not None:
            self.seller_id = sale.seller_id
            self.fulfilment = self._first(now, sale, terms)
        self.record(
            OrderCompleted(
                id=self.id,
                version=self.next_version,
                ticket=TicketRef(id=self.ticket.id),
                completed_at=now,
                deliver_by=None if self.fulfilment is None else self.fulfilment.deliver_by,
                accept_by=None if self.fulfilment is None else self.fulfilment.accept_by,
            )
        )

    def _first(self, now: datetime, sale: Sale, terms: Terms) -> Fulfilment:
        day = self.ticket.details.event_date
        if sale.has_file:
            return Fulfilment(State.DELIVERED, accept_by=terms.accept_by(now, day))
        return Fulfilment(State.DUE, deliver_by=terms.deliver_by(now, day))

    def adopt(self, now: datetime, seller_id: str, terms: Terms) -> None:
        """Begins the fulfilment of an order that a release without it completed.

        It counts as delivered: it may have been, long ago. Where no money was taken it counts as refunded.
        """
        if self.status is not Status.COMPLETE or self.fulfilment is not None:
            return
        accept_by = terms.adopted_accept_by(now, self.ticket.details.event_date)
        delivered = Fulfilment(State.DELIVERED, accept_by=accept_by)
        self.seller_id = seller_id
        self.begin(delivered.money_returned() if self.payment in RETURNED else delivered)

    def settle(self, payment: PaymentState) -> None:
        """Records, for the buyer, whether the money was taken, or given back."""
        if self.payment in RETURNED or self.payment is payment:
            return
        if self.payment is PaymentState.CAPTURED and payment is not PaymentState.REFUNDED:
            return
        self.payment = payment
        if payment in RETURNED and self.fulfilment is not None:
            self.step(Fulfilment.money_returned)
        if self.recorded is None:
            self.updated()

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

    def updated(self) -> None:
        self.record(
            OrderUpdated(
                id=self.id,
                version=self.next_version,
                status=self.status,
                ticket=TicketRef(id=self.ticket.id),
            )
        )
