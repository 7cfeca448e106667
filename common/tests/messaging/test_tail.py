"""A state that is replayed and followed, over the fake stream and, marked `connected`, the real one alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from common.base.errors import Unavailable
from common.messaging.feed import Feed, Hear, LookAgain, NatsFeed
from common.messaging.stream import Stored, Stream
from common.messaging.tail import Settle, Tail
from common.testing.fake_feed import FakeFeed
from common.testing.fake_stream import FakeStream
from common.testing.fixtures import server
from tests.broker import put
from tests.messaging.test_stream import FAKE_AND_REAL

SUBJECTS = ("ticket.created.*",)


@pytest.fixture(params=FAKE_AND_REAL)
def broker(request: pytest.FixtureRequest) -> Stream:
    found: Stream = request.getfixturevalue("stream" if request.param == "fake" else "real_stream")
    return found


def a_feed(broker: Stream) -> Feed:
    return FakeFeed(broker) if isinstance(broker, FakeStream) else NatsFeed(server("TEST_NATS_URL"), "test")


class State:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def apply(self, stored: Stored) -> None:
        self.seen.append(stored.data.decode())

    async def has(self, condition: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(self.seen):
                await asyncio.sleep(0.005)


class CountedFeed(FakeFeed):
    followed = 0

    async def follow(self, subjects: Sequence[str], hear: Hear, look_again: LookAgain) -> None:
        self.followed += 1
        await super().follow(subjects, hear, look_again)


async def ready(tail: Tail) -> None:
    async with asyncio.timeout(10):
        while not tail.ready:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(broker: Stream, state: State, settle: Settle | None = None) -> AsyncIterator[Tail]:
    feed = a_feed(broker)
    tail = Tail(broker, feed, SUBJECTS, state.apply, *([settle] if settle else []))
    task = asyncio.create_task(tail.run())
    try:
        yield tail
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
        await feed.close()


async def test_what_was_and_what_comes_is_applied_once_and_in_order(broker: Stream) -> None:
    for number in range(5):
        await put(broker, str(number))
    state = State()
    async with running(broker, state) as tail:
        await state.has(lambda seen: len(seen) == 5)
        for number in range(5, 40):
            await put(broker, str(number))
        await state.has(lambda seen: len(seen) == 40)

        assert tail.ready
        assert state.seen == [str(number) for number in range(40)]


async def test_other_subjects_are_not_applied(broker: Stream) -> None:
    state = State()
    async with running(broker, state):
        await put(broker, "other", subject="ticket.updated.1")
        await put(broker, "ours")
        await state.has(lambda seen: bool(seen))

        assert state.seen == ["ours"]


async def test_a_process_that_begins_later_comes_to_the_same_state(broker: Stream) -> None:
    first, second = State(), State()
    async with running(broker, first):
        for number in range(20):
            await put(broker, str(number))
        await first.has(lambda seen: len(seen) == 20)
        async with running(broker, second):
            await second.has(lambda seen: len(seen) == 20)

    assert first.seen == second.seen


async def test_whoever_wrote_sees_it_once_its_sequence_is_reached(broker: Stream) -> None:
    state = State()
    async with running(broker, state) as tail:
        for number in range(20):
            sequence = await put(broker, str(number))
            await tail.reached(sequence)

            assert state.seen[-1] == str(number)
            assert tail.position == sequence


async def test_what_many_wrote_at_once_is_seen_by_each_in_one_order(broker: Stream) -> None:
    first, second = State(), State()

    async def write(tail: Tail, text: str) -> None:
        await tail.reached(await put(broker, text))
        assert text in first.seen

    async with running(broker, first) as tail:
        await asyncio.gather(*(write(tail, str(number)) for number in range(50)))
        async with running(broker, second):
            await second.has(lambda seen: len(seen) == 50)

    assert first.seen == second.seen


async def test_whoever_wrote_waits_for_no_pause(stream: FakeStream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the word of it got lost."""
    monkeypatch.setattr("common.messaging.tail.FIRST_PAUSE", 3_600.0)
    monkeypatch.setattr("common.messaging.tail.LONGEST_PAUSE", 3_600.0)
    state = State()
    async with running(stream, state) as tail:
        await ready(tail)
        stream.followers.clear()

        await tail.reached(await put(stream, "1"))

    assert state.seen == ["1"]


async def test_what_is_not_reached_in_time_is_unavailable(stream: FakeStream) -> None:
    async with running(stream, State()) as tail:
        sequence = await put(stream, "1")
        await tail.reached(sequence)
        with pytest.raises(Unavailable):
            await tail.reached(sequence + 1, 0.01)


async def test_an_event_that_breaks_the_state_is_met_again_by_the_next_run(stream: FakeStream) -> None:
    """As `service.Service` does with a job that failed: nothing is left out, and nobody is told twice."""
    state, broken = State(), True

    def apply(stored: Stored) -> None:
        if broken and stored.data == b"1":
            raise ZeroDivisionError
        state.apply(stored)

    for number in range(3):
        await put(stream, str(number))
    feed = CountedFeed(stream)
    tail = Tail(stream, feed, SUBJECTS, apply)
    with pytest.raises(ZeroDivisionError):
        await tail.run()
    assert not tail.ready
    broken = False
    task = asyncio.create_task(tail.run())
    await state.has(lambda seen: seen == ["0", "1", "2"])
    task.cancel()
    await asyncio.wait([task])

    assert feed.followed == 1
    await feed.close()


async def test_what_follows_from_the_state_is_published_when_the_end_is_reached(broker: Stream) -> None:
    await put(broker, "1")
    state = State()
    settled: list[int] = []

    async def settle() -> None:
        settled.append(len(state.seen))
        if settled == [1]:
            raise Unavailable("not just now")

    async with running(broker, state, settle) as tail:
        async with asyncio.timeout(10):
            while len(settled) < 2:
                await asyncio.sleep(0.005)
        await ready(tail)

    # Never before the whole history is known, and again after an outage.
    assert settled[:2] == [1, 1]


async def test_a_stop_that_comes_with_an_event_stops_it(stream: FakeStream) -> None:
    state = State()
    async with running(stream, state) as tail:
        await ready(tail)
        # And no turn of the loop between it and the stop.
        await put(stream, "last")


async def test_who_hears_nothing_any_more_is_not_ready(stream: FakeStream) -> None:
    def apply(_stored: Stored) -> None:
        raise ZeroDivisionError

    feed = FakeFeed(stream)
    tail = Tail(stream, feed, SUBJECTS, apply)
    task = asyncio.create_task(tail.run())
    await ready(tail)

    await put(stream, "1")
    with pytest.raises(ZeroDivisionError):
        await task

    assert not tail.ready
    await feed.close()
