"""Every event of the marketplace, with its fields. `stream.py` names the stream that carries them."""

from datetime import date
from enum import StrEnum

from common.base.money import Price
from common.base.times import Moment
from common.contract.details import DETAILS, Details
from common.messaging.events import AggregateEvent, Event, VersionedEvent, WireModel

TICKETS, ORDERS, EXPIRATION, PAYMENTS, AUTH = "tickets", "orders", "expiration", "payments", "auth"
"""Owners of the events: the services that emit them."""


class Subject(StrEnum):
    TICKET_CREATED = "ticket.created"
    TICKET_UPDATED = "ticket.updated"
    TICKET_WITHDRAWN = "ticket.withdrawn"
    ORDER_CREATED = "order.created"
    ORDER_UPDATED = "order.updated"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_COMPLETED = "order.completed"
    ORDER_DELIVERED = "order.delivered"
    ORDER_ACCEPTED = "order.accepted"
    ORDER_DISPUTED = "order.disputed"
    ORDER_REFUNDED = "order.refunded"
    EXPIRATION_COMPLETE = "expiration.complete"
    DEADLINE_PASSED = "deadline.passed"
    PAYMENT_CREATED = "payment.created"
    PAYMENT_AWAITING = "payment.awaiting"
    PAYMENT_CAPTURED = "payment.captured"
    PAYMENT_VOIDED = "payment.voided"
    PAYMENT_REFUNDED = "payment.refunded"
    PAYMENT_DISPUTED = "payment.disputed"
    PAYOUT_MADE = "payout.made"
    SESSION_ENDED = "session.ended"
    USER_DELETED = "user.deleted"


class TicketState(VersionedEvent):
    """The details are null where the seller gave none, and absent in events that are older than them.

    delivery: A `Delivery`: how the ticket is handed over; None, as in older events, for a transfer.
    """

    owner = TICKETS
    title: str
    price: Price
    user_id: str
    event_date: date | None = None
    venue: str | None = None
    seat: str | None = None
    city: str | None = None
    start_time: str | None = None
    face_value: Price | None = None
    notes: str | None = None
    delivery: str | None = None

    @property
    def details(self) -> Details | None:
        """None in an event that is older than all of them: what was known of the ticket stays."""
        if self.model_fields_set.isdisjoint(DETAILS):
            return None
        return Details(**{name: getattr(self, name) for name in DETAILS})


class TicketCreated(TicketState):
    subject = Subject.TICKET_CREATED


class TicketUpdated(TicketState):
    """`withdrawn` is false in the event of a listing that its seller put back on sale, and in later ones.

    It is absent in older events, which leave it as it was.
    """

    subject = Subject.TICKET_UPDATED
    order_id: str | None = None
    withdrawn: bool | None = None


class TicketWithdrawn(VersionedEvent):
    subject = Subject.TICKET_WITHDRAWN
    owner = TICKETS


class OrderedTicket(WireModel):
    """The ticket of an order, at the price that the order recorded."""

    id: str
    price: Price


class TicketRef(WireModel):
    id: str


class OrderCreated(VersionedEvent):
    subject = Subject.ORDER_CREATED
    owner = ORDERS
    status: str
    user_id: str
    expires_at: Moment
    ticket: OrderedTicket


class OrderUpdated(VersionedEvent):
    """A change of an order that doesn't end it: a further step of the card, its payment's state."""

    subject = Subject.ORDER_UPDATED
    owner = ORDERS
    status: str
    ticket: TicketRef


class OrderCancelled(VersionedEvent):
    """ended_because: `cancelled` by the buyer, or `expired`. Both fields are absent in older events."""

    subject = Subject.ORDER_CANCELLED
    owner = ORDERS
    ticket: TicketRef
    ended_because: str | None = None
    ended_at: Moment | None = None


class OrderCompleted(VersionedEvent):
    """completed_at: When the order was paid.

    deliver_by: Until when the seller has to hand the ticket over; None for one that is delivered at once.
    accept_by: Until when the buyer of a ticket that is delivered at once may claim.
    All are absent in older events.
    """

    subject = Subject.ORDER_COMPLETED
    owner = ORDERS
    ticket: TicketRef
    completed_at: Moment | None = None
    deliver_by: Moment | None = None
    accept_by: Moment | None = None


class FulfilmentEvent(VersionedEvent):
    """A change of a complete order's fulfilment.

    at: When it happened; None where it begins for an order of a release without it, long after the sale.
    """

    owner = ORDERS
    ticket: TicketRef
    seller_id: str
    at: Moment | None = None


class OrderDelivered(FulfilmentEvent):
    """accept_by: Until when the buyer may claim; then the seller is paid."""

    subject = Subject.ORDER_DELIVERED
    accept_by: Moment


class OrderAccepted(FulfilmentEvent):
    """The buyer has the ticket, the seller is to be paid."""

    subject = Subject.ORDER_ACCEPTED


class OrderDisputed(FulfilmentEvent):
    """Nothing is paid out, and nothing refunded, until it is decided."""

    subject = Subject.ORDER_DISPUTED


class OrderRefunded(FulfilmentEvent):
    """The buyer is to have all of the money back."""

    subject = Subject.ORDER_REFUNDED


class ExpirationComplete(Event):
    subject = Subject.EXPIRATION_COMPLETE
    owner = EXPIRATION
    order_id: str

    @property
    def aggregate_id(self) -> str:
        return self.order_id


class DeadlineKind(StrEnum):
    DELIVERY = "delivery"
    """Until when the seller hands the ticket over."""
    ACCEPTANCE = "acceptance"
    """Until when the buyer may claim."""


class DeadlinePassed(Event):
    """A deadline of a complete order's fulfilment.

    kind: A `DeadlineKind`, or one that only a newer release knows. version: Of the order, when it was set.
    """

    subject = Subject.DEADLINE_PASSED
    owner = EXPIRATION
    order_id: str
    kind: str
    version: int

    @property
    def aggregate_id(self) -> str:
        return self.order_id


class PaymentEvent(AggregateEvent):
    owner = PAYMENTS
    order_id: str


class PaymentCreated(PaymentEvent):
    """The money of an order is authorised, not yet taken."""

    subject = Subject.PAYMENT_CREATED
    stripe_id: str


class PaymentAwaiting(PaymentEvent):
    """The card's owner has a further step to take (3-D Secure)."""

    subject = Subject.PAYMENT_AWAITING


class PaymentCaptured(PaymentEvent):
    subject = Subject.PAYMENT_CAPTURED


class PaymentVoided(PaymentEvent):
    subject = Subject.PAYMENT_VOIDED


class PaymentRefunded(PaymentEvent):
    """The buyer has all of the money back."""

    subject = Subject.PAYMENT_REFUNDED


class PaymentDisputed(PaymentEvent):
    """The card's owner disputes the charge at the provider. open: False once that is decided."""

    subject = Subject.PAYMENT_DISPUTED
    open: bool


class PayoutMade(PaymentEvent):
    """The seller has the money of an order. amount: The price less the fee. at: When it was transferred."""

    subject = Subject.PAYOUT_MADE
    amount: Price
    at: Moment | None = None


class SessionEnded(AggregateEvent):
    """A session is anonymous from now on. `id` names the session, as the claim `sid` of its tokens does.

    There is one for each session that ended before its tokens expired.
    """

    subject = Subject.SESSION_ENDED
    owner = AUTH
    user_id: str


class UserDeleted(VersionedEvent):
    """The user has deleted the account. `id` is all that is left of the user.

    version: Count of the user's published changes. The account as it was created is 0, which has no event.
    """

    subject = Subject.USER_DELETED
    owner = AUTH
