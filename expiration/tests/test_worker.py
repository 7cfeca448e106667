"""The worker on a real Redis: never early, at most 2 s late, and nothing is lost."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from common.base import times
from common.base.ids import new_id
from common.contract.events import ExpirationComplete
from common.messaging.stream import ConsumerSpec, Source, Stream
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from common.testing.servers import server
from expiration import timers
from expiration.timers import Deadline, Timers
from tests.builders import RedisServer, WorkerProcess, soon, working

pytestmark = pytest.mark.connected

LATE = timedelta(seconds=2)


class TimedStream(FakeStream):
    """`at` says when each order's event was published."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, datetime] = {}

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        sequence = await super().publish(subject, data, headers)
        self.at.setdefault(subject.rpartition(".")[2], times.now())
        return sequence


class SlowStream(FakeStream):
    """`busy` is set while a publisher waits for a confirmation."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = asyncio.Event()

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        self.busy.set()
        await asyncio.sleep(0.5)
        return await super().publish(subject, data, headers)


async def expired(source: Source, count: int, within: float) -> set[str]:
    """The orders of the next events, once there are `count` of them."""
    orders: set[str] = set()
    async with asyncio.timeout(within):
        while len(orders) < count:
            for delivery in await source.pull(100):
                orders.add(ExpirationComplete.model_validate_json(delivery.data).order_id)
                await delivery.ack()
    return orders


async def test_it_publishes_expiration_complete_once_when_a_timer_is_due(
    redis_url: str, real_timers: Timers, stream: FakeStream
) -> None:
    order_id = new_id()
    await real_timers.set(order_id, soon(0.3))

    async with working(redis_url, stream):
        assert await emitted(stream, "expiration.complete", 1) == [{"orderId": order_id}]
        await asyncio.sleep(0.6)

    (message,) = stream.messages
    assert message.subject == f"expiration.complete.{order_id}"
    assert message.headers["ce-source"] == "/expiration"
    assert message.headers["Nats-Msg-Id"] == f"expiration.complete:{order_id}"
    assert await real_timers.pending() == {}


async def test_each_deadline_of_an_order_is_an_event_of_its_own(
    redis_url: str, real_timers: Timers, stream: FakeStream
) -> None:
    order_id = new_id()
    for kind, version in (("delivery", 1), ("acceptance", 2)):
        await real_timers.set_deadline(Deadline(order_id, kind, version, soon(0.1)))
        await real_timers.set_deadline(Deadline(order_id, kind, version, soon(60)))
    assert set(await real_timers.pending()) == {f"{order_id}:delivery", f"{order_id}:acceptance"}

    async with working(redis_url, stream):
        events = await emitted(stream, "deadline.passed", 2)

    assert sorted((event["kind"], event["version"]) for event in events) == [
        ("acceptance", 2),
        ("delivery", 1),
    ]
    assert {message.headers["Nats-Msg-Id"] for message in stream.messages} == {
        f"deadline.passed:{order_id}:1",
        f"deadline.passed:{order_id}:2",
    }
    assert await real_timers.pending() == {}


async def test_it_is_never_early_and_at_most_two_seconds_late(redis_url: str, real_timers: Timers) -> None:
    stream = TimedStream()
    due = {new_id(): soon(0.2 + number * 0.1) for number in range(20)}
    for order_id, moment in due.items():
        await real_timers.set(order_id, moment)

    async with working(redis_url, stream):
        await emitted(stream, "expiration.complete", 20)

    delays = [stream.at[order_id] - moment for order_id, moment in due.items()]
    assert timedelta(0) <= min(delays)
    assert max(delays) <= LATE


async def test_a_timer_that_was_due_long_ago_fires_at_once(
    redis_url: str, real_timers: Timers, stream: FakeStream
) -> None:
    await real_timers.set(new_id(), soon() - timedelta(days=365))

    async with working(redis_url, stream):
        await emitted(stream, "expiration.complete", 1)


async def test_an_order_told_again_after_its_timer_fired_is_the_same_event(
    redis_url: str, real_timers: Timers, stream: FakeStream
) -> None:
    order_id = new_id()

    async with working(redis_url, stream):
        for _ in range(2):
            await real_timers.set(order_id, soon())
            async with asyncio.timeout(5):
                while await real_timers.pending():
                    await asyncio.sleep(0.01)

    assert len(stream.messages) == 1


async def test_it_tries_again_until_the_stream_is_back(
    redis_url: str, real_timers: Timers, stream: FakeStream
) -> None:
    due = {new_id() for _ in range(20)}
    stream.up = False
    async with working(redis_url, stream):
        for order_id in due:
            await real_timers.set(order_id, soon())
        await asyncio.sleep(2.5)
        assert set(await real_timers.pending()) == due

        stream.up = True
        published = await emitted(stream, "expiration.complete", 20)

    assert {event["orderId"] for event in published} == due


async def test_a_worker_that_is_killed_loses_nothing(
    redis_url: str, real_timers: Timers, real_stream: Stream
) -> None:
    source = await real_stream.source(ConsumerSpec("reader", ("expiration.complete.*",)))
    due = {new_id(): soon(1.5 + number * 0.005) for number in range(200)}
    for order_id, moment in due.items():
        await real_timers.set(order_id, moment)

    async with WorkerProcess(redis_url, server("TEST_NATS_URL")) as worker:
        first = await expired(source, 20, within=15)
        await worker.kill()
        assert await real_timers.pending()
        await worker.start()
        # What it had in hand runs again once its lock has gone: the job's own limit and ten seconds.
        rest = await expired(source, 200 - len(first), within=30)

    assert first | rest == set(due)


async def test_it_may_start_before_redis_and_bears_its_death(
    redis_server: RedisServer, real_stream: Stream
) -> None:
    source = await real_stream.source(ConsumerSpec("reader", ("expiration.complete.*",)))
    early, late = new_id(), new_id()

    async with WorkerProcess(redis_server.url, server("TEST_NATS_URL")) as worker:
        await asyncio.sleep(1.5)
        await redis_server.start()
        own = Timers(timers.connect(redis_server.url))
        await own.set(early, soon())
        assert await expired(source, 1, within=10) == {early}

        await own.set(late, soon(1))
        redis_server.kill()
        await asyncio.sleep(1)
        await redis_server.start()
        assert await expired(source, 1, within=20) == {late}

        await own.close()
        assert await worker.stop() == 0


async def test_it_goes_on_after_redis_died_under_a_job(redis_server: RedisServer) -> None:
    stream = SlowStream()
    await redis_server.start()
    own = Timers(timers.connect(redis_server.url))
    await own.set(new_id(), soon())

    async with working(redis_server.url, stream):
        await stream.busy.wait()
        redis_server.kill()
        await asyncio.sleep(1)
        await redis_server.start()
        await own.set(new_id(), soon())

        await emitted(stream, "expiration.complete", 2)
    await own.close()


async def test_what_it_began_it_finishes_before_it_stops(redis_url: str, real_timers: Timers) -> None:
    stream = SlowStream()
    await real_timers.set(new_id(), soon())

    async with working(redis_url, stream):
        await stream.busy.wait()

    assert len(stream.of("expiration.complete")) == 1
    assert await real_timers.pending() == {}
