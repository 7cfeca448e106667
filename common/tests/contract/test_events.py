"""The wire contract: what other services, and services of other versions, can count on."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from common.base import tracing
from common.base.money import Money
from common.contract.events import (
    DeadlinePassed,
    ExpirationComplete,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderedTicket,
    OrderRefunded,
    OrderUpdated,
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentDisputed,
    PaymentRefunded,
    PaymentVoided,
    PayoutMade,
    SessionEnded,
    Subject,
    TicketCreated,
    TicketRef,
    TicketUpdated,
    TicketWithdrawn,
    UserDeleted,
)
from common.contract.stream import MARKETPLACE
from common.messaging.events import Event, VersionedEvent, event_types, wire_subject
from common.messaging.listener import Listener
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import MESSAGE_ID
from common.testing.fake_stream import FakeStream

T, O, P = "a" * 24, "b" * 24, "c" * 24  # noqa: E741
EXPIRES = datetime(2026, 1, 31, 12, 15, tzinfo=UTC)
REF = TicketRef(id=T)
GIVEN = {
    "eventDate": "2027-05-31",
    "venue": "Great Hall",
    "seat": "Row 3",
    "city": "Ghent",
    "startTime": "19:30",
    "faceValue": 18.5,
    "notes": "No bags.\nA drink is included.",
}
ABSENT = {**dict.fromkeys(GIVEN), "delivery": None}

FULFILMENT = {"id": O, "version": 2, "ticket": {"id": T}, "sellerId": "s", "at": None}
CHANGE = {**ABSENT, "withdrawn": None}
CONTRACT: list[tuple[Event, str, dict[str, Any]]] = [
    (
        TicketCreated(id=T, version=0, title="Concert", price=Money(1999), user_id="u"),
        f"ticket.created.{T}",
        {"id": T, "version": 0, "title": "Concert", "price": 19.99, "userId": "u", **ABSENT},
    ),
    (
        TicketUpdated(id=T, version=3, title="Concert", price=Money(2000), user_id="u", order_id=O),
        f"ticket.updated.{T}",
        {"id": T, "version": 3, "title": "Concert", "price": 20, "userId": "u", "orderId": O, **CHANGE},
    ),
    (
        TicketUpdated(id=T, version=4, title="Concert", price=Money(2000), user_id="u"),
        f"ticket.updated.{T}",
        {"id": T, "version": 4, "title": "Concert", "price": 20, "userId": "u", "orderId": None, **CHANGE},
    ),
    (
        TicketUpdated(
            **{"id": T, "version": 4, "title": "Concert", "price": Money(2000), "user_id": "u"},
            **{"event_date": date(2027, 5, 31), "venue": "Great Hall", "seat": "Row 3", "city": "Ghent"},
            **{"start_time": "19:30", "face_value": Money(1850), "notes": GIVEN["notes"]},
            delivery="file",
        ),
        f"ticket.updated.{T}",
        {
            "id": T,
            "version": 4,
            "title": "Concert",
            "price": 20,
            "userId": "u",
            "orderId": None,
            **CHANGE,
            **GIVEN,
            "delivery": "file",
        },
    ),
    (TicketWithdrawn(id=T, version=5), f"ticket.withdrawn.{T}", {"id": T, "version": 5}),
    (
        OrderCreated(
            id=O,
            version=0,
            status="created",
            user_id="u",
            expires_at=EXPIRES,
            ticket=OrderedTicket(id=T, price=Money(2000)),
        ),
        f"order.created.{O}",
        {
            **{"id": O, "version": 0, "status": "created", "userId": "u"},
            **{"expiresAt": "2026-01-31T12:15:00.000Z", "ticket": {"id": T, "price": 20}},
        },
    ),
    (
        OrderUpdated(id=O, version=1, status="awaiting:payment", ticket=REF),
        f"order.updated.{O}",
        {"id": O, "version": 1, "status": "awaiting:payment", "ticket": {"id": T}},
    ),
    (
        OrderCancelled(id=O, version=1, ticket=REF),
        f"order.cancelled.{O}",
        {"id": O, "version": 1, "ticket": {"id": T}, "endedBecause": None, "endedAt": None},
    ),
    (
        OrderCompleted(id=O, version=1, ticket=REF),
        f"order.completed.{O}",
        {
            "id": O,
            "version": 1,
            "ticket": {"id": T},
            **dict.fromkeys(("completedAt", "deliverBy", "acceptBy")),
        },
    ),
    (
        OrderDelivered(id=O, version=2, ticket=REF, seller_id="s", at=EXPIRES, accept_by=EXPIRES),
        f"order.delivered.{O}",
        {**FULFILMENT, **dict.fromkeys(("at", "acceptBy"), "2026-01-31T12:15:00.000Z")},
    ),
    (OrderAccepted(id=O, version=2, ticket=REF, seller_id="s"), f"order.accepted.{O}", FULFILMENT),
    (OrderDisputed(id=O, version=2, ticket=REF, seller_id="s"), f"order.disputed.{O}", FULFILMENT),
    (OrderRefunded(id=O, version=2, ticket=REF, seller_id="s"), f"order.refunded.{O}", FULFILMENT),
    (
        DeadlinePassed(order_id=O, kind="delivery", version=2),
        f"deadline.passed.{O}",
        {"orderId": O, "kind": "delivery", "version": 2},
    ),
    (ExpirationComplete(order_id=O), f"expiration.complete.{O}", {"orderId": O}),
    (
        PaymentCreated(id=P, order_id=O, stripe_id="pi_1"),
        f"payment.created.{P}",
        {"id": P, "orderId": O, "stripeId": "pi_1"},
    ),
    (PaymentAwaiting(id=P, order_id=O), f"payment.awaiting.{P}", {"id": P, "orderId": O}),
    (PaymentCaptured(id=P, order_id=O), f"payment.captured.{P}", {"id": P, "orderId": O}),
    (PaymentVoided(id=P, order_id=O), f"payment.voided.{P}", {"id": P, "orderId": O}),
    (PaymentRefunded(id=P, order_id=O), f"payment.refunded.{P}", {"id": P, "orderId": O}),
    (
        PaymentDisputed(id=P, order_id=O, open=True),
        f"payment.disputed.{P}",
        {"id": P, "orderId": O, "open": True},
    ),
    (
        PayoutMade(id=P, order_id=O, amount=Money(1900)),
        f"payout.made.{P}",
        {"id": P, "orderId": O, "amount": 19, "at": None},
    ),
    (
        SessionEnded(id="s-1_A", user_id="u"),
        "session.ended.s-1_A",
        {"id": "s-1_A", "userId": "u"},
    ),
    (UserDeleted(id="u", version=1), "user.deleted.u", {"id": "u", "version": 1}),
]

each = pytest.mark.parametrize(
    ("event", "subject", "body"), CONTRACT, ids=[str(event.subject) for event, _, _ in CONTRACT]
)


def test_the_contract_below_names_every_event() -> None:
    assert {event.subject for event, _, _ in CONTRACT} == set(Subject)


@each
def test_an_event_is_on_the_wire_as_the_contract_has_it(event: Event, subject: str, body: object) -> None:
    assert wire_subject(event) == subject
    assert orjson.loads(event.to_json()) == body
    assert f"{subject.split('.')[0]}.>" in MARKETPLACE.subjects


@each
def test_an_event_is_read_as_it_was_written(event: Event, subject: str, body: dict[str, Any]) -> None:
    del subject
    assert type(event).model_validate_json(event.to_json()) == event
    later = orjson.dumps({**body, "aLaterField": {"$gt": ""}})
    assert type(event).model_validate_json(later) == event


@each
async def test_an_event_travels_as_a_cloudevent(event: Event, subject: str, body: object) -> None:
    class Owner(Publisher[Event], source="tests"): ...

    trace = tracing.Trace.start("the-request")
    tracing.enter(trace)
    version = event.version if isinstance(event, VersionedEvent) else None

    envelope = Owner(FakeStream()).envelope(event, version)

    suffix = "" if version is None else f":{version}"
    assert envelope.id == f"{event.subject}:{event.aggregate_id}{suffix}"
    assert envelope.subject == subject
    assert orjson.loads(envelope.data) == body
    headers = dict(envelope.headers)
    assert headers.pop("ce-time").endswith("Z")
    parent = headers.pop("traceparent")
    assert parent[:36] == trace.parent[:36]
    assert parent != trace.parent
    assert headers == {
        "ce-specversion": "1.0",
        "ce-id": envelope.id,
        "ce-type": str(event.subject),
        "ce-source": "/tests",
        "ce-subject": event.aggregate_id,
        "content-type": "application/json",
        MESSAGE_ID: envelope.id,
        "X-Request-Id": "the-request",
    }


async def test_publishing_the_same_event_again_stores_it_once(stream: FakeStream) -> None:
    class Expired(Publisher[ExpirationComplete], source="expiration"): ...

    for _ in range(2):
        await Expired(stream).publish(ExpirationComplete(order_id=O))

    (message,) = stream.messages
    assert message.subject == f"expiration.complete.{O}"


async def test_a_service_publishes_each_event_by_the_publisher_that_names_its_kind(
    stream: FakeStream,
) -> None:
    class Either(Publisher[PaymentCaptured | PaymentVoided], source="payments"): ...

    class Expired(Publisher[ExpirationComplete], source="expiration"): ...

    publishers = Publishers(stream, [Either, Expired])
    events = PaymentVoided(id=P, order_id=O), ExpirationComplete(order_id=O)
    for event in events:
        await publishers.of(event).publish(event)

    assert [message.subject for message in stream.messages] == [wire_subject(event) for event in events]
    with pytest.raises(KeyError):
        publishers.of(PaymentAwaiting(id=P, order_id=O))


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        REF.id = "other"  # type: ignore[misc]  # that is the point


def test_every_event_has_an_owner_and_a_namespace_has_one() -> None:
    owners: dict[str, set[str | None]] = {}
    for kind in {type(event) for event, _, _ in CONTRACT}:
        owners.setdefault(str(kind.subject).partition(".")[0], set()).add(kind.owner)

    assert owners == {
        "ticket": {"tickets"},
        "order": {"orders"},
        "expiration": {"expiration"},
        "deadline": {"expiration"},
        "payment": {"payments"},
        "payout": {"payments"},
        "user": {"auth"},
        "session": {"auth"},
    }


def test_a_service_can_not_declare_a_publisher_of_anothers_event() -> None:
    with pytest.raises(TypeError, match="TicketCreated is for tickets to emit, not for payments"):

        class _Forged(Publisher[TicketCreated], source="payments"): ...


def test_the_events_of_a_class_are_those_in_the_brackets_of_its_base() -> None:
    class Both(Listener[TicketCreated | TicketUpdated]): ...

    class Texts(list[str]): ...

    assert event_types(Both) == (TicketCreated, TicketUpdated)
    assert event_types(Texts) == ()
    assert event_types(int) == ()
