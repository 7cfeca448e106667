"""How a delivery ends, row by row of the table in `common/messaging/listener.py`."""

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from common.base import tracing
from common.base.errors import Conflict, DatabaseError, NotFound, Outage, Unavailable
from common.contract.events import TicketUpdated
from common.messaging.dead_letters import ATTEMPTS as ATTEMPTS_HEADER
from common.messaging.dead_letters import QUEUE_GROUP, REASON, SEQUENCE, SUBJECT, DeadLetters
from common.messaging.listener import ATTEMPTS, GAP_ATTEMPTS, LONGEST_DELAY, Listener, NotYet, delay_of
from common.messaging.stream import MESSAGE_ID, Stored
from common.persistence.replica import VersionGap
from common.testing.fake_stream import FakeDelivery, FakeSource, FakeStream
from tests.broker import a_spec
from tests.builders import a_change

Raise = Callable[[], BaseException]


class Updated(Listener[TicketUpdated]):
    queue_group = "tests"

    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error
        self.received: list[TicketUpdated] = []
        self.traces: list[tracing.Trace] = []

    async def on_message(self, event: TicketUpdated) -> None:
        self.received.append(event)
        self.traces.append(tracing.current())
        if self._error is not None:
            raise self._error


def a_delivery(
    attempt: int = 1, data: bytes | None = None, headers: dict[str, str] | None = None
) -> FakeDelivery:
    body = a_change().to_json() if data is None else data
    message = Stored(7, "ticket.updated.1", body, headers or {})
    return FakeDelivery(message, attempt, FakeSource(a_spec()))


async def received(listener: Updated, delivery: FakeDelivery, stream: FakeStream | None = None) -> FakeStream:
    """The stream, with the dead letter if there is one."""
    stream = stream or FakeStream()
    await listener.receive(delivery, DeadLetters(stream))
    return stream


async def test_a_message_whose_handler_returns_is_acked() -> None:
    listener, delivery = Updated(), a_delivery()

    stream = await received(listener, delivery)

    assert delivery.outcome == "ack"
    assert listener.received == [a_change()]
    assert stream.messages == []


GAPS = [lambda: VersionGap("1 is at 3, not at 4"), lambda: NotYet("held")]
OUTAGES = [
    *(lambda: Unavailable(), lambda: Conflict()),
    *(lambda: Outage("gone"), lambda: TimeoutError(), lambda: TimeoutError()),
]
FAULTS = [lambda: ValueError("no"), lambda: NotFound(), lambda: DatabaseError("no"), lambda: KeyError("x")]


@pytest.mark.parametrize(
    ("raises", "attempts"),
    [(gap, GAP_ATTEMPTS) for gap in GAPS] + [(fault, ATTEMPTS) for fault in FAULTS],
)
async def test_what_fails_is_tried_again_until_its_attempts_are_used_up(raises: Raise, attempts: int) -> None:
    for attempt in (1, attempts - 1):
        delivery = a_delivery(attempt)
        stream = await received(Updated(raises()), delivery)
        assert (delivery.outcome, delivery.delay) == ("nak", delay_of(attempt))
        assert stream.messages == []

    last = a_delivery(attempts)
    stream = await received(Updated(raises()), last)

    assert last.outcome == "term"
    (letter,) = stream.messages
    assert letter.subject == "dead.tests.ticket.updated.1"
    assert letter.headers[REASON] == repr(raises())


@pytest.mark.parametrize("raises", OUTAGES)
@pytest.mark.parametrize("attempt", [1, ATTEMPTS, GAP_ATTEMPTS, 100_000])
async def test_an_outage_is_waited_out_for_as_long_as_it_lasts(raises: Raise, attempt: int) -> None:
    delivery = a_delivery(attempt)

    stream = await received(Updated(raises()), delivery)

    assert (delivery.outcome, delivery.delay) == ("nak", delay_of(attempt))
    assert stream.messages == []


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b'"\\ud800"', b'{"id": "1"}', b"[" * 100_000),
        a_change().to_json().replace(b"20", b"1e400"),
        a_change().to_json().replace(b"20", b"-1"),
        a_change().to_json().replace(b'"version":1', b'"version":"one"'),
        a_change().to_json().replace(b'"title":"Concert"', b'"title":{"$gt":""}'),
    ],
)
async def test_what_does_not_parse_is_a_dead_letter_at_once(data: bytes) -> None:
    listener, delivery = Updated(), a_delivery(data=data)

    stream = await received(listener, delivery)

    assert listener.received == []
    assert delivery.outcome == "term"
    (letter,) = stream.messages
    assert letter.data == data
    assert letter.headers[REASON].startswith("does not parse: ")


async def test_a_dead_letter_keeps_the_message_and_tells_why() -> None:
    headers = {MESSAGE_ID: "ticket.updated:1:1", "ce-id": "ticket.updated:1:1", "X-Request-Id": "r"}
    delivery = a_delivery(ATTEMPTS, headers=headers)

    stream = await received(Updated(ValueError("a\r\nb: c\x00" + "x" * 5000)), delivery)

    (letter,) = stream.messages
    assert letter.data == delivery.data
    assert letter.headers["ce-id"] == "ticket.updated:1:1"
    assert letter.headers["X-Request-Id"] == "r"
    assert letter.headers[MESSAGE_ID] == "dead:tests:7"
    assert letter.headers[ATTEMPTS_HEADER] == str(ATTEMPTS)
    assert letter.headers[QUEUE_GROUP] == "tests"
    assert letter.headers[SEQUENCE] == "7"
    assert letter.headers[SUBJECT] == "ticket.updated.1"
    reason = letter.headers[REASON]
    assert reason.startswith("ValueError('a\\r\\nb: c")
    assert len(reason) == 1000
    assert "\n" not in reason


async def test_a_message_that_was_buried_twice_is_one_dead_letter() -> None:
    stream = FakeStream()
    for _ in range(2):
        await received(Updated(), a_delivery(data=b"{"), stream)

    assert len(stream.messages) == 1


async def test_what_cannot_be_buried_yet_comes_again() -> None:
    stream = FakeStream()
    stream.up = False
    delivery = a_delivery(3, data=b"{")

    await received(Updated(), delivery, stream)

    assert (delivery.outcome, delivery.delay) == ("nak", delay_of(3))


async def test_how_deliveries_end_is_counted() -> None:
    def counts() -> list[float]:
        outcomes = ("ack", "nak", "dead letter")
        labels = [{"event": "ticket.updated", "outcome": outcome} for outcome in outcomes]
        return [REGISTRY.get_sample_value("event_deliveries_total", label) or 0 for label in labels]

    before = counts()
    for error, attempt in [(None, 1), (None, 1), (KeyError("x"), 1), (KeyError("x"), ATTEMPTS)]:
        await received(Updated(error), a_delivery(attempt))

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [2, 1, 1]


async def test_a_handler_that_is_cancelled_leaves_its_delivery_unanswered() -> None:
    delivery = a_delivery(ATTEMPTS)

    with pytest.raises(asyncio.CancelledError):
        await received(Updated(asyncio.CancelledError()), delivery)

    assert delivery.outcome is None


async def test_delays_grow_to_their_bound() -> None:
    assert [delay_of(attempt) for attempt in (1, 2, 3, 4)] == [0.05, 0.1, 0.2, 0.4]
    assert delay_of(8) == LONGEST_DELAY
    assert delay_of(10**9) == LONGEST_DELAY


async def test_a_handler_works_in_the_trace_of_its_event() -> None:
    trace = tracing.Trace.start("the-request")
    sent = trace.headers()
    listener = Updated()

    await asyncio.create_task(received(listener, a_delivery(headers=sent)))

    (entered,) = listener.traces
    assert entered.request_id == "the-request"
    assert entered.parent == sent["traceparent"]


async def test_an_event_without_a_trace_begins_one_of_its_own() -> None:
    listener = Updated()

    await received(listener, a_delivery())
    await received(listener, a_delivery())

    assert len({trace.request_id for trace in listener.traces}) == 2
