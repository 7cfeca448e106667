"""A consumer that handles nothing while work is pending is seen, and one that has nothing to do is not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import orjson
import pytest
from prometheus_client import REGISTRY

from common.base import times
from common.base.errors import Unavailable
from common.contract.events import TicketUpdated
from common.messaging import progress
from common.messaging.consumer import Consumer
from common.messaging.jetstream.stream import JetStream
from common.messaging.listener import Listener
from common.messaging.progress import STALLED_SECONDS, WATCH_SECONDS, Progress
from common.messaging.stream import Delivery, Pending
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.builders import a_change, consuming, until

NOTHING = Pending(0, 0)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watched(stream: FakeStream, clock: Clock) -> Progress:
    return Progress("tests", stream, clock)


def after(watched: Progress, clock: Clock, seconds: float, pending: Pending, held: int = 0) -> bool:
    """Whether it is stalled when it is looked at every WATCH_SECONDS for `seconds`."""
    end = clock.now + seconds
    while clock.now < end:
        watched.observe(pending, held)
        clock.now += WATCH_SECONDS
    watched.observe(pending, held)
    return watched.stalled


def test_a_stall_is_seen_within_a_minute() -> None:
    assert STALLED_SECONDS + 2 * WATCH_SECONDS < 60


@pytest.mark.parametrize(("pending", "held"), [(Pending(1, 0), 0), (Pending(0, 5), 1)])
def test_work_that_is_pending_for_long_while_none_is_handled_is_a_stall(
    watched: Progress, clock: Clock, pending: Pending, held: int
) -> None:
    assert not after(watched, clock, STALLED_SECONDS - WATCH_SECONDS, pending, held)
    assert after(watched, clock, 2 * WATCH_SECONDS, pending, held)


@pytest.mark.parametrize("pending", [NOTHING, Pending(0, 7)])
def test_a_consumer_without_work_is_not_stalled(watched: Progress, clock: Clock, pending: Pending) -> None:
    """Messages that wait for a later attempt are no work now."""
    assert not after(watched, clock, 10 * STALLED_SECONDS, pending)


def test_a_message_that_was_handled_ends_the_stall_and_both_are_logged(
    watched: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        after(watched, clock, 2 * STALLED_SECONDS, Pending(3, 0))
        watched.advanced()
        assert not after(watched, clock, 0, Pending(3, 0))

    assert [record.message for record in caplog.records] == [
        "consumer makes no progress",
        "consumer makes progress again",
    ]
    stall, _ = map(vars, caplog.records)
    assert (stall["undelivered"], stall["held"], stall["seconds"]) == (3, 0, STALLED_SECONDS + WATCH_SECONDS)


def test_a_consumer_that_handles_something_now_and_then_is_not_stalled(
    watched: Progress, clock: Clock
) -> None:
    for _ in range(20):
        assert not after(watched, clock, STALLED_SECONDS / 2, Pending(100, 100), 8)
        watched.advanced()


def gauge(name: str, consumer: str = "tests") -> float | None:
    return REGISTRY.get_sample_value(name, {"consumer": consumer})


def test_what_is_pending_is_a_gauge(watched: Progress, clock: Clock) -> None:
    after(watched, clock, 10, Pending(3, 4))

    assert (gauge("event_undelivered"), gauge("event_unacknowledged")) == (3, 4)
    assert gauge("event_idle_seconds") == 10


class Asked:
    """A consumer that always has the same work pending; `looks` counts how often it was asked."""

    def __init__(self, clock: Clock, pending: Pending) -> None:
        self.looks = 0
        self._clock = clock
        self._pending = pending

    async def pending(self) -> Pending:
        self.looks += 1
        self._clock.now += STALLED_SECONDS - 1
        return self._pending

    async def pull(self, _limit: int) -> Sequence[Delivery]:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


@asynccontextmanager
async def watching(watched: Progress, source: Asked) -> AsyncIterator[None]:
    task = asyncio.create_task(watched.watch(source, lambda: 0))
    yield
    assert not task.done()
    task.cancel()


async def test_the_time_before_it_is_watched_is_no_stall(watched: Progress, clock: Clock) -> None:
    """While the broker was waited for there was nothing to handle."""
    clock.now += 10 * STALLED_SECONDS
    source = Asked(clock, Pending(1, 0))
    async with watching(watched, source):
        await until(lambda: source.looks)

        assert not watched.stalled


async def test_a_watched_consumer_without_work_is_not_stalled(
    watched: Progress, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "WATCH_SECONDS", 0)
    source = Asked(clock, NOTHING)
    async with watching(watched, source):
        await until(lambda: source.looks >= 5)

        assert not watched.stalled


async def test_dead_letters_are_counted_at_the_first_look_and_then_now_and_then(
    stream: FakeStream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "WATCH_SECONDS", 0)
    counted: list[int] = []
    source = Asked(clock, NOTHING)

    async def count(subjects: str, *, dead_letters: bool) -> int:
        assert (subjects, dead_letters) == ("dead.others.>", True)
        counted.append(source.looks)
        return 7

    monkeypatch.setattr(stream, "count", count)
    async with watching(Progress("others", stream, clock), source):
        await until(lambda: len(counted) >= 3)

    every = progress.DEAD_LETTERS_EVERY
    assert counted[:3] == [1, 1 + every, 1 + 2 * every]
    assert gauge("event_dead_letters", "others") == 7


class Stuck(Listener[TicketUpdated]):
    queue_group = "tests"

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def on_message(self, _event: TicketUpdated) -> None:
        await self.gate.wait()


async def test_a_consumer_whose_listener_hangs_is_not_ready_until_it_goes_on(
    stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(progress, "STALLED_SECONDS", 0.05)
    listener = Stuck()
    async with consuming(stream, listener) as consumer:
        await publish(stream, a_change("1"))
        await until(lambda: not consumer.ready)

        listener.gate.set()
        await until(lambda: consumer.ready)


async def test_dead_letters_are_counted_and_a_broker_that_is_away_stops_no_watch(
    stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(progress, "DEAD_LETTERS_EVERY", 1)
    asked = 0

    async def refuse(*_: object, **__: object) -> int:
        nonlocal asked
        asked += 1
        raise Unavailable("away")

    class Counted(Stuck):
        queue_group = "counted"

    async with consuming(stream, Counted()) as consumer:
        assert isinstance(consumer, Consumer)
        with monkeypatch.context() as outage:
            outage.setattr(stream, "count", refuse)
            await until(lambda: asked >= 3)
        await stream.publish("ticket.updated.1", b"{", {})
        await until(lambda: gauge("event_dead_letters", "counted") == 1)


@pytest.mark.connected
async def test_a_consumer_that_the_broker_gives_nothing_is_not_ready_until_it_gets_its_events(
    real_stream: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(progress, "STALLED_SECONDS", 0.5)
    listener = Stuck()
    listener.gate.set()
    async with consuming(real_stream, listener) as consumer:
        await pause(real_stream, timedelta(minutes=5))
        await publish(real_stream, a_change("1"))
        await until(lambda: not consumer.ready)

        await pause(real_stream, timedelta(0))
        await until(lambda: consumer.ready)


async def pause(stream: JetStream, span: timedelta) -> None:
    """As `nats consumer pause` does."""
    body = orjson.dumps({"pause_until": (times.now() + span).isoformat()})
    answer = await stream.client.request("$JS.API.CONSUMER.PAUSE.gittix.tests", body, timeout=2)
    assert "error" not in orjson.loads(answer.data)
