"""Payment of an order, and the attempts that lead to the payment.

A payment exists once money is authorised, or once the card's owner is asked for a further step. Each change
of a payment is an event. Before that, there is only an attempt: a separate record without events. The
attempt stores the idempotency key and the token before the first request to the provider. So a crash at any
point leaves enough data to find out the state of the money.

An order has one payment, whose id is chosen by the order's first attempt. The first intent that is found to
be authorised becomes the payment's intent permanently. Any other intent is a stray, and is voided. Only a
payment's own intent is ever captured.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import PaymentAwaiting, PaymentCaptured, PaymentCreated, PaymentVoided
from common.persistence.aggregate import Aggregate
from payments.errors import StrayIntent
from payments.gateway import Charge, Intent


class Status(StrEnum):
    NEW = "new"
    """Not stored yet."""
    AWAITING = "awaiting"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"


class AttemptStatus(StrEnum):
    AUTHORIZING = "authorizing"
    """Outcome unknown: a request to the provider is under way, or the sweep has to look up the intent."""
    DECLINED = "declined"
    FAILED = "failed"
    """Ended with neither an authorisation nor a decline. Another attempt is allowed, as after a decline."""
    RESOLVED = "known"
    """Outcome known: the payment holds it."""


OPEN = (Status.AWAITING, Status.AUTHORIZED)
RETRYABLE = (AttemptStatus.DECLINED, AttemptStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Order:
    """Order, as this service's replica holds it."""

    id: str
    user_id: str
    status: str
    price: Money
    expires_at: datetime

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"

    @property
    def is_complete(self) -> bool:
        return self.status == "complete"

    def is_expired(self, now: datetime) -> bool:
        """Whether a `created` order has reached `expires_at`.

        An order in another status doesn't expire, such as a complete order, or one whose card's owner was
        asked for a further step.
        """
        return self.status == "created" and self.expires_at <= now

    def is_payable(self, now: datetime) -> bool:
        return not (self.is_cancelled or self.is_complete or self.is_expired(now))


@dataclass(frozen=True, slots=True)
class Attempt:
    """Latest attempt to authorise an order's money.

    decline_reason: The provider's message for a decline; "" otherwise.
    check_at: Time of the next lookup at the provider; None once the outcome is known.
    declines: How many of the order's attempts the provider declined so far.
    """

    payment_id: str
    user_id: str
    status: AttemptStatus
    charge: Charge
    decline_reason: str
    check_at: datetime | None
    declines: int = 0

    @property
    def order_id(self) -> str:
        return self.charge.order_id

    @classmethod
    def begin(
        cls, order: Order, token: str, previous: "Attempt | None", now: datetime, check_at: datetime
    ) -> "Attempt":
        number = 1 if previous is None else previous.charge.attempt + 1
        return cls(
            payment_id=new_id() if previous is None else previous.payment_id,
            user_id=order.user_id,
            status=AttemptStatus.AUTHORIZING,
            charge=Charge(order.id, number, f"order:{order.id}:{number}", token, order.price, now),
            decline_reason="",
            check_at=check_at,
        )


@dataclass(kw_only=True)
class Payment(Aggregate):
    order_id: str
    user_id: str
    amount: Money
    status: Status = Status.NEW
    intent_id: str = ""
    attempt: int = 0
    client_secret: str | None = None

    @classmethod
    def of(cls, attempt: Attempt) -> "Payment":
        charge = attempt.charge
        return cls(
            id=attempt.payment_id, order_id=charge.order_id, user_id=attempt.user_id, amount=charge.amount
        )

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def await_owner(self, intent: Intent) -> None:
        """Waits for the card owner's further step.

        Raises StrayIntent for another intent once this payment is authorised or ended.
        """
        if self.status not in (Status.NEW, Status.AWAITING):
            self._refuse_stray(intent)
        elif intent.attempt > self.attempt:
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
            self.record(PaymentCaptured(id=self.id, order_id=self.order_id))

    def void(self) -> None:
        if self.is_open:
            self.status = Status.VOIDED
            self.client_secret = None
            self.record(PaymentVoided(id=self.id, order_id=self.order_id))

    def _take(self, intent: Intent, status: Status) -> None:
        self.intent_id, self.attempt, self.status = intent.id, intent.attempt, status
        self.client_secret = intent.client_secret if status is Status.AWAITING else None

    def _refuse_stray(self, intent: Intent) -> None:
        if intent.id != self.intent_id:
            raise StrayIntent(f"intent {intent.id} is a stray: order {self.order_id} has {self.intent_id}")
