"""What a listener makes of a delivery: an event, its trace, and an outcome."""

import asyncio

import pytest

from common.base import tracing
from common.contract.events import OrderCancelled, TicketUpdated
from common.messaging.dead_letters import REASON, DeadLetters
from common.messaging.events import SOURCE
from common.messaging.listener import Listener, NotYet
from common.messaging.outcomes import Outcomes
from common.messaging.stream import Stored
from common.testing.fake_stream import FakeDelivery, FakeSource, FakeStream
from tests.broker import a_spec
from tests.builders import a_change


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


def a_delivery(data: bytes | None = None, headers: dict[str, str] | None = None) -> FakeDelivery:
    body = a_change().to_json() if data is None else data
    headers = {SOURCE: "/tickets"} | (headers or {})
    return FakeDelivery(Stored(7, "ticket.updated.1", body, headers), 1, FakeSource(a_spec()))


async def received(listener: Updated, delivery: FakeDelivery) -> FakeStream:
    """The stream, with the dead letter if there is one."""
    stream = FakeStream()
    await listener.receive(delivery, Outcomes("tests", DeadLetters(stream)))
    return stream


async def test_a_message_whose_handler_returns_is_acked() -> None:
    listener, delivery = Updated(), a_delivery()

    stream = await received(listener, delivery)

    assert delivery.outcome == "ack"
    assert listener.received == [a_change()]
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


async def test_a_dead_letter_names_each_field_that_does_not_parse() -> None:
    class Either(Listener[TicketUpdated | OrderCancelled]):
        queue_group = "tests"

        async def on_message(self, event: TicketUpdated | OrderCancelled) -> None:
            raise AssertionError(event)

    class Deeper(Either):
        """Has the events of the class that it extends."""

    stream, listener = FakeStream(), Deeper()
    message = Stored(7, "order.cancelled.1", b'{"id": "1", "ticket": {}}', {})
    delivery = FakeDelivery(message, 1, FakeSource(a_spec()))
    await listener.receive(delivery, Outcomes("tests", DeadLetters(stream)))

    (letter,) = stream.messages
    assert letter.headers[REASON] == "does not parse: version: Field required; ticket.id: Field required"


@pytest.mark.parametrize("source", ["/payments", "/client", "tickets", ""])
async def test_an_event_that_its_owner_did_not_emit_is_a_dead_letter_and_never_applied(source: str) -> None:
    listener, delivery = Updated(), a_delivery(headers={SOURCE: source})

    stream = await received(listener, delivery)

    assert (listener.received, delivery.outcome) == ([], "term")
    (letter,) = stream.messages
    assert letter.headers[REASON] == f"emitted by {source or 'no source'}, not by /tickets"


@pytest.mark.parametrize(
    ("data", "error", "handled"),
    [(None, None, True), (b"{", None, False), (None, ValueError(), False), (None, NotYet(), False)],
)
async def test_only_a_message_whose_handler_returns_counts_as_handled(
    data: bytes | None, error: Exception | None, handled: bool
) -> None:
    outcomes = Outcomes("tests", DeadLetters(FakeStream()))

    assert await Updated(error).receive(a_delivery(data), outcomes) is handled


async def test_a_handler_that_is_cancelled_leaves_its_delivery_unanswered() -> None:
    delivery = a_delivery()

    with pytest.raises(asyncio.CancelledError):
        await received(Updated(asyncio.CancelledError()), delivery)

    assert delivery.outcome is None


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
