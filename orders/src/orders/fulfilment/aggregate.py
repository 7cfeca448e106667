"""The part of an order's aggregate that changes its fulfilment, once it is complete."""

from dataclasses import dataclass
from datetime import datetime

from common.base import times
from common.base.money import Money
from common.contract.events import (
    DeadlineKind,
    FulfilmentEvent,
    OrderAccepted,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
    TicketRef,
)
from common.persistence.aggregate import Aggregate
from orders.fulfilment.domain import Claim, Fulfilment, State, Step
from orders.fulfilment.errors import NotPaid
from orders.fulfilment.terms import Terms
from orders.ticket import Ticket

_EVENTS: dict[State, type[FulfilmentEvent]] = {
    State.ACCEPTED: OrderAccepted,
    State.DISPUTED: OrderDisputed,
    State.REFUNDED: OrderRefunded,
}


@dataclass(kw_only=True)
class FulfilledOrder(Aggregate):
    """seller_id: None for an order of an older release, until its fulfilment begins.

    fulfilment: None until the order is complete; also for the moments until the sweep adopts an order that an
    older release completed.
    """

    ticket: Ticket
    seller_id: str | None = None
    fulfilment: Fulfilment | None = None

    def deliver(self, now: datetime, terms: Terms) -> None:
        """By the seller. Idempotent. Raises NotPaid, and as `Fulfilment.delivered`."""
        accept_by = terms.accept_by(now, self.ticket.details.event_date)
        self.step(lambda fulfilment: fulfilment.delivered(now, accept_by))

    def accept(self) -> None:
        """By the buyer. Idempotent. Raises NotPaid, and as `Fulfilment.accepted`."""
        self.step(Fulfilment.accepted)

    def refund(self) -> None:
        """By the seller. Idempotent. Raises NotPaid, and as `Fulfilment.refunded`."""
        self.step(Fulfilment.refunded)

    def claim(self, claim: Claim) -> Claim:
        """By the buyer. Idempotent: returns the open claim. Raises NotPaid, and as `Fulfilment.claimed`."""
        return self.step(lambda fulfilment: fulfilment.claimed(claim)).claim or claim

    def answer(self, words: str, now: datetime) -> None:
        """By the seller. Idempotent. Raises NotPaid, and as `Fulfilment.answered`."""
        self.step(lambda fulfilment: fulfilment.answered(words, now))

    def pass_deadline(self, kind: DeadlineKind, now: datetime) -> None:
        """Nothing changes for another state's deadline. Raises NotDue before the deadline."""
        if self.fulfilment is not None:
            self.step(lambda fulfilment: fulfilment.passed(kind, now))

    def dispute_at_bank(self, is_open: bool) -> None:
        self.step(lambda fulfilment: fulfilment.disputed_at_bank(is_open))

    def pay_out(self, amount: Money) -> None:
        self.step(lambda fulfilment: fulfilment.paid_out(amount))

    def step(self, step: Step) -> Fulfilment:
        """The fulfilment after the step, with the change's event recorded.

        Raises NotPaid for an order without a fulfilment, and what `step` raises.
        """
        before = self.fulfilment
        if before is None:
            raise NotPaid()
        after = self.fulfilment = step(before)
        if after.state is not before.state:
            self.record(self._event_of(after, times.now()))
        elif after != before:
            self.updated()
        return after

    def begin(self, fulfilment: Fulfilment) -> None:
        """Begins with an event of its own, which has no time; that of a completion is `OrderCompleted`."""
        self.fulfilment = fulfilment
        self.record(self._event_of(fulfilment, None))

    def updated(self) -> None:
        """Records a change that has no other event."""
        raise NotImplementedError

    def _event_of(self, fulfilment: Fulfilment, at: datetime | None) -> FulfilmentEvent:
        ticket = TicketRef(id=self.ticket.id)
        if self.seller_id is None:
            raise RuntimeError(f"order {self.id} has a fulfilment and no seller")
        if fulfilment.state is State.DELIVERED and fulfilment.accept_by is not None:
            return OrderDelivered(
                id=self.id,
                version=self.next_version,
                ticket=ticket,
                seller_id=self.seller_id,
                at=at,
                accept_by=fulfilment.accept_by,
            )
        kind = _EVENTS[fulfilment.state]
        return kind(id=self.id, version=self.next_version, ticket=ticket, seller_id=self.seller_id, at=at)
