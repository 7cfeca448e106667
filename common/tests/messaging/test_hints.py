"""What a hints tells, over the fake one and, marked `connected`, the real one alike."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.messaging.subscriptions.hints import Hints, NatsHints
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream
from common.testing.fixtures import server
from tests.broker import NatsServer, put
from tests.messaging.test_stream import FAKE_AND_REAL

TICKETS = ("ticket.*.*",)


class Follower:
    """Records the messages that it receives. `look_again` counts the calls of `on_gap`."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.received: list[tuple[str, str]] = []
        self.look_again = 0
        self._told = asyncio.Event()

    async def follow(self, *subjects: str) -> "Follower":
        await self.hints.subscribe(subjects or TICKETS, self._hear, self._again)
        return self

    async def until(self, condition: Callable[[], bool], within: float = 15.0) -> None:
        async with asyncio.timeout(within):
            while not condition():
                self._told.clear()
                await self._told.wait()

    def _hear(self, subject: str, data: bytes) -> None:
        self.received.append((subject, data.decode()))
        self._told.set()

    def _again(self) -> None:
        self.look_again += 1
        self._told.set()


@pytest.fixture(params=FAKE_AND_REAL)
def broker(request: pytest.FixtureRequest) -> Stream:
    name = "stream" if request.param == "fake" else "real_stream"
    stream: Stream = request.getfixturevalue(name)
    return stream


@pytest.fixture
async def follower(broker: Stream) -> AsyncIterator[Callable[[], Follower]]:
    """One more process that would follow the broker of the test."""
    async with AsyncExitStack() as stack:

        def another() -> Follower:
            hints = (
                FakeHints(broker)
                if isinstance(broker, FakeStream)
                else NatsHints(server("TEST_NATS_URL"), "test")
            )
            stack.push_async_callback(hints.close)
            return Follower(hints)

        yield another


async def test_what_is_published_from_now_on_is_heard_with_its_subject(
    broker: Stream, follower: Callable[[], Follower]
) -> None:
    await put(broker, "before", "ticket.created.1")
    one = await follower().follow()

    await put(broker, "a", "ticket.created.1")
    await put(broker, "b", "ticket.updated.2")
    await one.until(lambda: len(one.received) == 2)

    assert one.received == [("ticket.created.1", "a"), ("ticket.updated.2", "b")]


async def test_only_the_subjects_that_were_asked_for_are_heard(
    broker: Stream, follower: Callable[[], Follower]
) -> None:
    one = await follower().follow("ticket.updated.*", "order.created.*")

    await put(broker, "no", "ticket.created.1")
    await put(broker, "no", "order.cancelled.1")
    await put(broker, "yes", "ticket.updated.1")
    await put(broker, "yes", "order.created.1")
    await one.until(lambda: len(one.received) == 2)

    assert {data for _, data in one.received} == {"yes"}


async def test_every_follower_hears_every_message(broker: Stream, follower: Callable[[], Follower]) -> None:
    both = [await follower().follow(), await follower().follow()]

    await put(broker, "a")

    for one in both:
        await one.until(lambda one=one: bool(one.received))  # type: ignore[misc]


async def test_a_follower_is_told_to_look_once_it_hears(follower: Callable[[], Follower]) -> None:
    one = follower()
    assert not one.hints.is_up()

    await one.follow()

    assert one.hints.is_up()
    assert one.look_again == 1


async def test_a_feed_that_was_closed_tells_nothing(broker: Stream, follower: Callable[[], Follower]) -> None:
    closed, other = await follower().follow(), await follower().follow()

    await closed.hints.close()
    await put(broker, "a")
    await other.until(lambda: bool(other.received))

    assert closed.received == []
    assert not closed.hints.is_up()


async def test_a_feed_that_never_followed_can_be_closed(follower: Callable[[], Follower]) -> None:
    await follower().hints.close()


@pytest.mark.connected
async def test_after_an_outage_of_the_broker_it_hears_again_and_says_to_look(nats_server: NatsServer) -> None:
    await nats_server.start()
    hints, stream = NatsHints(nats_server.url, "test"), JetStream(nats_server.url, "test", MARKETPLACE)
    try:
        await stream.connect()
        one = await Follower(hints).follow()

        nats_server.kill()
        async with asyncio.timeout(10):
            while hints.is_up():
                await asyncio.sleep(0.01)
        await nats_server.start()
        await one.until(lambda: one.look_again == 2)
        async with asyncio.timeout(15):
            while not stream.is_up():
                await asyncio.sleep(0.01)
        await put(stream, "after")
        await one.until(lambda: bool(one.received))

        assert hints.is_up()
        assert one.received == [("ticket.created.1", "after")]
    finally:
        await hints.close()
        await stream.close()


@pytest.mark.connected
async def test_a_broker_that_is_down_at_the_start_is_waited_for(nats_server: NatsServer) -> None:
    hints = NatsHints(nats_server.url, "test")
    one = Follower(hints)
    following = asyncio.create_task(one.follow())
    try:
        await asyncio.sleep(0.3)
        assert not following.done()
        assert not hints.is_up()

        await nats_server.start()
        await asyncio.wait_for(following, 15)

        assert one.look_again == 1
    finally:
        following.cancel()
        await hints.close()


@pytest.mark.connected
async def test_who_is_told_more_than_it_can_take_is_told_to_look_again(real_stream: JetStream) -> None:
    hints = NatsHints(server("TEST_NATS_URL"), "test", pending=4)
    try:
        one = await Follower(hints).follow()

        # In one piece, so that it is read in one piece too.
        for number in range(500):
            await real_stream.client.publish("ticket.created.1", str(number).encode())
        await real_stream.client.flush()
        await one.until(lambda: one.look_again > 1)

        assert len(one.received) < 500
        assert hints.is_up()
    finally:
        await hints.close()
