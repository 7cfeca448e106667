"""Fulfilment of a complete order, as a value: due → delivered → accepted, disputed or refunded.

Each method returns the fulfilment after a step, or itself where the step has had its effect already. The
order (`aggregate.py`) keeps the result and records the event.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from common.base.money import Money
from common.contract.events import DeadlineKind
from orders.errors import NotDue
from orders.fulfilment.errors import (
    AlreadyAccepted,
    AlreadyRefunded,
    CardDisputed,
    ClaimAnswered,
    ClaimLate,
    ClaimOpen,
    DeliveryLate,
    Disputed,
    NoClaim,
    NotDelivered,
)


class State(StrEnum):
    DUE = "due"
    """The seller has to hand the ticket over by `deliver_by`."""
    DELIVERED = "delivered"
    """The buyer may claim until `accept_by`."""
    ACCEPTED = "accepted"
    """For good: the seller is paid."""
    DISPUTED = "disputed"
    """A claim of the buyer, or a dispute at the card's bank."""
    REFUNDED = "refunded"
    """For good: the buyer has the money back."""


class Reason(StrEnum):
    NOT_DELIVERED = "not-delivered"
    NOT_VALID = "not-valid"
    NOT_AS_DESCRIBED = "not-as-described"
    EVENT_CANCELLED = "event-cancelled"


class CardDispute(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Claim:
    """The buyer's claim and the seller's answer, in their words. reason: A `Reason`."""

    reason: str
    words: str
    opened_at: datetime
    answer: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """deliver_by: None for a ticket that was delivered at once. accept_by: None until it is delivered.

    card_dispute: None where the card's owner never disputed the charge. payout: What the seller was paid.
    """

    state: State
    deliver_by: datetime | None = None
    accept_by: datetime | None = None
    claim: Claim | None = None
    card_dispute: CardDispute | None = None
    payout: Money | None = None

    @property
    def deadline(self) -> datetime | None:
        """When the state ends by itself; None for a state that doesn't."""
        if self.state is State.DUE:
            return self.deliver_by
        return self.accept_by if self.state is State.DELIVERED else None

    @property
    def deadline_kind(self) -> DeadlineKind:
        return DeadlineKind.DELIVERY if self.state is State.DUE else DeadlineKind.ACCEPTANCE

    def delivered(self, now: datetime, accept_by: datetime) -> "Fulfilment":
        """Raises DeliveryLate from `deliver_by` on, Disputed, and AlreadyRefunded."""
        match self.state:
            case State.DUE:
                if self.deliver_by is not None and now >= self.deliver_by:
                    raise DeliveryLate()
                return replace(self, state=State.DELIVERED, accept_by=accept_by)
            case State.DISPUTED:
                raise Disputed()
            case State.REFUNDED:
                raise AlreadyRefunded()
            case _:
                return self

    def accepted(self) -> "Fulfilment":
        """By the buyer, who so takes a claim back. Raises NotDelivered, CardDisputed, AlreadyRefunded."""
        if self.state is State.DUE:
            raise NotDelivered()
        if self.state is State.REFUNDED:
            raise AlreadyRefunded()
        return self._decided(State.ACCEPTED)

    def refunded(self) -> "Fulfilment":
        """Raises CardDisputed and AlreadyAccepted."""
        if self.state is State.ACCEPTED:
            raise AlreadyAccepted()
        return self._decided(State.REFUNDED)

    def _decided(self, state: State) -> "Fulfilment":
        if self.state is State.DISPUTED and self.card_dispute is CardDispute.OPEN:
            raise CardDisputed()
        return replace(self, state=state)

    def claimed(self, claim: Claim) -> "Fulfilment":
        """Raises NotDelivered, ClaimLate from `accept_by` on, ClaimOpen for a second one, AlreadyRefunded."""
        if self.state is State.REFUNDED:
            raise AlreadyRefunded()
        if self.claim is not None and self.state is State.DISPUTED:
            if (self.claim.reason, self.claim.words) != (claim.reason, claim.words):
                raise ClaimOpen()
            return self
        if self.state is State.ACCEPTED or self._is_late(claim.opened_at):
            raise ClaimLate()
        if self.accept_by is None:
            raise NotDelivered()
        return replace(self, state=State.DISPUTED, claim=claim)

    def _is_late(self, now: datetime) -> bool:
        return self.accept_by is not None and now >= self.accept_by

    def answered(self, words: str, now: datetime) -> "Fulfilment":
        """By the seller, once. Raises NoClaim and ClaimAnswered."""
        if self.claim is None or self.state is not State.DISPUTED:
            raise NoClaim()
        if self.claim.answer is None:
            return replace(self, claim=replace(self.claim, answer=words, answered_at=now))
        if self.claim.answer != words:
            raise ClaimAnswered()
        return self

    def passed(self, kind: DeadlineKind, now: datetime) -> "Fulfilment":
        """After a deadline: refunded if it was due, accepted if it was delivered.

        Nothing changes for a deadline of another state. Raises NotDue before the deadline.
        """
        deadline = self.deadline
        if deadline is None or kind is not self.deadline_kind:
            return self
        if now < deadline:
            raise NotDue(f"{self.state} until {deadline}")
        return replace(self, state=State.REFUNDED if self.state is State.DUE else State.ACCEPTED)

    def disputed_at_bank(self, is_open: bool) -> "Fulfilment":
        """A dispute ends an undecided state; a decided one only records it. A closed one stays closed."""
        if self.card_dispute is CardDispute.CLOSED:
            return self
        if not is_open:
            return replace(self, card_dispute=CardDispute.CLOSED)
        undecided = self.state in (State.DUE, State.DELIVERED)
        state = State.DISPUTED if undecided else self.state
        return replace(self, state=state, card_dispute=CardDispute.OPEN)

    def money_returned(self) -> "Fulfilment":
        """The buyer's money is back, or was never taken, whichever side decided: the seller is not paid."""
        return self if self.state is State.ACCEPTED else replace(self, state=State.REFUNDED)

    def paid_out(self, amount: Money) -> "Fulfilment":
        return self if self.payout is not None else replace(self, payout=amount)


Step = Callable[[Fulfilment], Fulfilment]
