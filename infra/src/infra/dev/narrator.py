"""One line for each event of the marketplace, in words, for a person at a terminal."""

from pydantic import ValidationError

from common.contract.events import (
    ExpirationComplete,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderUpdated,
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentVoided,
    SessionEnded,
    TicketCreated,
    TicketUpdated,
    TicketWithdrawn,
    UserDeleted,
)
from common.contract.stream import MARKETPLACE
from common.messaging.events import Event
from common.messaging.nats_connection import Identity
from common.messaging.subscriptions.hints import NatsHints
from infra.dev.output import Output

EVENTS: tuple[type[Event], ...] = (
    TicketCreated,
    TicketUpdated,
    TicketWithdrawn,
    OrderCreated,
    OrderUpdated,
    OrderCancelled,
    OrderCompleted,
    ExpirationComplete,
    PaymentAwaiting,
    PaymentCreated,
    PaymentCaptured,
    PaymentVoided,
    SessionEnded,
    UserDeleted,
)
OWNERS = {
    "ticket": "tickets",
    "order": "orders",
    "expiration": "expiration",
    "payment": "payments",
    "session": "auth",
    "user": "auth",
}

_BY_SUBJECT = {str(event.subject): event for event in EVENTS}


async def narrate(nats_url: str, output: Output, identity: Identity | None) -> None:
    """Write one line for each event from now on, until the process ends. Unreadable events are skipped.

    identity: The broker's administrator, where it has users.
    """

    def write(subject: str, data: bytes) -> None:
        if (line := line_of(subject, data)) is not None:
            output.line(*line)

    hints = NatsHints(nats_url, "runner", identity=identity)
    await hints.subscribe(MARKETPLACE.published, write, lambda: None)


def line_of(subject: str, data: bytes) -> tuple[str, str] | None:
    """The service that owns the record, and the event in words; None for an unreadable event."""
    kind = _BY_SUBJECT.get(subject.rpartition(".")[0])
    if kind is None:
        return None
    try:
        return OWNERS[subject.partition(".")[0]], sentence(kind.model_validate_json(data))
    except ValidationError:
        return None


def sentence(event: Event) -> str:
    match event:
        case TicketCreated():
            return f"“{event.title}” is on sale for {event.price}"
        case TicketUpdated(order_id=None):
            return f"“{event.title}” is on sale for {event.price}, edited or free again"
        case TicketUpdated():
            return f"“{event.title}” is held or sold by order {_short(event.order_id)}"
        case TicketWithdrawn():
            return f"ticket {_short(event.id)} is withdrawn"
        case OrderCreated():
            until = event.expires_at.astimezone().strftime("%H:%M:%S")
            ticket = _short(event.ticket.id)
            return f"order {_short(event.id)} holds ticket {ticket} for {event.ticket.price} until {until}"
        case OrderUpdated():
            return f"order {_short(event.id)} is {event.status}"
        case OrderCancelled():
            return f"order {_short(event.id)} is cancelled or expired"
        case OrderCompleted():
            return f"order {_short(event.id)} is complete"
        case ExpirationComplete():
            return f"order {_short(event.order_id)} has run out of time"
        case PaymentAwaiting():
            return f"order {_short(event.order_id)} waits for its card's owner (3-D Secure)"
        case PaymentCreated():
            return f"order {_short(event.order_id)} has its money authorised"
        case PaymentCaptured():
            return f"order {_short(event.order_id)} has its money captured"
        case PaymentVoided():
            return f"order {_short(event.order_id)} has its authorisation voided"
        case SessionEnded():
            return f"a session of user {_short(event.user_id)} has ended"
        case UserDeleted():
            return f"user {_short(event.id)} deleted the account"
    raise TypeError(f"no sentence for {type(event).__name__}")


def _short(record_id: str | None) -> str:
    """The end of the id. Ids grow with time, so their ends differ."""
    return f"…{record_id[-6:]}" if record_id else "none"
