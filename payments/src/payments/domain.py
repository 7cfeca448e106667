"""Payment of an order, and the charge that leads to it.

A charge is the order's record of its one intent at the provider, and of the card that is confirmed on it. It
begins with the order and has no events. It is stored before each request to the provider, so a crash at any
point leaves enough data to find out the state of the money. One intent reserves the money of one card, once:
so a card may be confirmed again after any unknown outcome.

A payment exists once money is authorised, or once the card's owner is asked for a further step. Each change
of a payment is an event. An order has one payment, whose id is chosen by its charge. Only a payment's own
intent is ever captured. Captured money is held until it goes to one side: back to the buyer, or to the
seller.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import (
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentDisputed,
    PaymentRefunded,
    PaymentVoided,
    PayoutMade,
)
from common.persistence.aggregate import Aggregate
from payments import ledger
from payments.errors import StrayIntent
from payments.gateway import DisputeState, Intent, State
from payments.order import Fulfilment, Order


class Status(StrEnum):
    NEW = "new"
    """Not stored yet."""
    AWAITING = "awaiting"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"


class Outcome(StrEnum):
    """Where captured money went. The last release doesn't know it, and reads such a payment as captured."""

    NONE = ""
    REFUNDED = "refunded"
    PAID_OUT = "paid-out"


class ChargeStatus(StrEnum):
    """The values are those of the last release's attempts, which it reads."""

    READY = "failed"
    """A card may be confirmed: none was, or the latest ended with neither an authorisation nor a decline."""
    CONFIRMING = "authorizing"
    """Outcome unknown: a request to the provider is under way, or the sweep has to look up the intent."""
    DECLINED = "declined"
    RESOLVED = "known"
    """Outcome known: the payment holds it."""


OPEN = (Status.AWAITING, Status.AUTHORIZED)
RETRYABLE = (ChargeStatus.READY, ChargeStatus.DECLINED)


@dataclass(frozen=True, slots=True)
class Charge:
    """An order's intent, and the latest card that was confirmed on it.

    number: 1; higher after attempts of the last release, which made an intent for each.
    intent_number: Number of the one intent; 0 where the last release wrote the record.
    intent_id: "" until the provider made the intent.
    key: Idempotency key of the latest card's confirmation. Each card has another one.
    started_at: When the order came, or when the latest card's confirmation began.
    decline_reason: The provider's message for a decline; "" otherwise.
    decline_id: Of the latest decline.
    declines: How many cards the provider declined for the order so far.
    due_at: Time of the sweep's next look; None once a payment holds the outcome, or the order is over.
    """

    order_id: str
    payment_id: str
    user_id: str
    amount: Money
    status: ChargeStatus
    number: int
    intent_number: int
    intent_id: str
    key: str
    started_at: datetime
    decline_reason: str
    decline_id: str
    declines: int
    due_at: datetime | None

    @classmethod
    def of(cls, order: Order, now: datetime) -> "Charge":
        """Charge of a new order, whose intent the sweep has to make."""
        return cls(
            order_id=order.id,
            payment_id=new_id(),
            user_id=order.user_id,
            amount=order.price,
            status=ChargeStatus.READY,
            number=1,
            intent_number=1,
            intent_id="",
            key="",
            started_at=now,
            decline_reason="",
            decline_id="",
            declines=0,
            due_at=now,
        )

    def with_card(self, now: datetime, due_at: datetime) -> "Charge":
        """The charge when a card's confirmation begins."""
        # After attempts of the last release, the one intent has the next number.
        number = self.intent_number or self.number + 1
        return replace(
            self,
            status=ChargeStatus.CONFIRMING,
            number=number,
            intent_number=number,
            key=f"confirm:{self.order_id}:{new_id()}",
            started_at=now,
            decline_reason="",
            due_at=due_at,
        )

    @property
    def is_on_intent(self) -> bool:
        """False while the latest card is that of an attempt of the last release, on another intent."""
        return self.number == self.intent_number

    def has_outcome(self, intent: Intent) -> bool:
        """Whether the intent has the outcome of the latest card, and not of an earlier one or of none."""
        if intent.state is State.DECLINED:
            return intent.decline_id != self.decline_id
        return intent.state is not State.PENDING


@dataclass(kw_only=True)
class Payment(Aggregate):
    """attempt: Number of the intent, which the last release compares.

    dispute: The card owner's dispute at the provider; None without one.
    fulfilment, seller_id: As `Dues` stored them; a save leaves them alone.
    """

    order_id: str
    user_id: str
    amount: Money
    status: Status = Status.NEW
    intent_id: str = ""
    attempt: int = 0
    client_secret: str | None = None
    outcome: Outcome = Outcome.NONE
    dispute: DisputeState | None = None
    entries: ledger.Entries = ()
    fulfilment: Fulfilment | None = None
    seller_id: str = ""

    @classmethod
    def of(cls, charge: Charge) -> "Payment":
        return cls(
            id=charge.payment_id, order_id=charge.order_id, user_id=charge.user_id, amount=charge.amount
        )

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_held(self) -> bool:
        """Whether the money is captured, and neither refunded nor paid out."""
        return self.status is Status.CAPTURED and self.outcome is Outcome.NONE

    def await_owner(self, intent: Intent) -> None:
        """Waits for the card owner's further step. The first such card of an intent is an event.

        Raises StrayIntent for another intent once this payment is authorised or ended.
        """
        if self.status not in (Status.NEW, Status.AWAITING):
            self._refuse_stray(intent)
        elif intent.id != self.intent_id:
            self._take(intent, Status.AWAITING)
            self.record(PaymentAwaiting(id=self.id, order_id=self.order_id))

    def authorize(self, intent: Intent) -> None:
        """Records that the intent's money is reserved.

        Raises StrayIntent for another intent once this payment is authorised or ended.
        """
        if self.status not in (Status.NEW, Status.AWAITING):
            self._refuse_stray(intent)
        else:
            self._take(intent, Status.AUTHORIZED)
            self.record(PaymentCreated(id=self.id, order_id=self.order_id, stripe_id=self.intent_id))

    def capture(self) -> None:
        if self.status is Status.AUTHORIZED:
            self.status = Status.CAPTURED
            self.entries = ledger.captured(self.amount, times.now())
            self.record(PaymentCaptured(id=self.id, order_id=self.order_id))

    def void(self) -> None:
        if self.is_open:
            self.status = Status.VOIDED
            self.client_secret = None
            self.record(PaymentVoided(id=self.id, order_id=self.order_id))

    def refund(self, *, by_bank: bool = False) -> None:
        """by_bank: The card's owner won a dispute."""
        if self.is_held:
            self.outcome = Outcome.REFUNDED
            self.entries += ledger.refunded(self.amount, times.now(), by_bank=by_bank)
            self.record(PaymentRefunded(id=self.id, order_id=self.order_id))

    def pay_out(self, amount: Money) -> None:
        """amount: Transferred by the provider to the seller."""
        if self.is_held:
            self.outcome = Outcome.PAID_OUT
            now = times.now()
            self.entries += ledger.paid_out(self.amount, amount, self.seller_id, now)
            self.record(PayoutMade(id=self.id, order_id=self.order_id, amount=amount, at=now))

    def show_dispute(self, state: DisputeState) -> None:
        """Records that a dispute began, or how it ended. A lost one stays lost."""
        before = self.dispute
        if state is before or before is DisputeState.LOST or (before is None and state is DisputeState.WON):
            return
        self.dispute = state
        if state is DisputeState.LOST and self.outcome is Outcome.PAID_OUT:
            self.entries += ledger.lost(self.amount, times.now())
        self.record(PaymentDisputed(id=self.id, order_id=self.order_id, open=state is DisputeState.OPEN))

    def _take(self, intent: Intent, status: Status) -> None:
        self.intent_id, self.attempt, self.status = intent.id, intent.number, status
        self.client_secret = intent.client_secret if status is Status.AWAITING else None

    def _refuse_stray(self, intent: Intent) -> None:
        if intent.id != self.intent_id:
            raise StrayIntent(f"intent {intent.id} is a stray: order {self.order_id} has {self.intent_id}")
