"""A state that is replayed and followed, over the fake stream and, marked `connected`, the real one alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from common.base.errors import Unavailable
from common.messaging.stream import Stored, Stream
from common.messaging.subscriptions.catch_up import CatchUpSubscription, Settle
from common.messaging.subscriptions.hints import Hints, NatsHints, OnGap, OnMessage
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream
from common.testing.fixtures import server
from tests.broker import put
from tests.messaging.test_stream import FAKE_AND_REAL

SUBJECTS = ("ticket.created.*",)


@pytest.fixture(params=FAKE_AND_REAL)
def broker(request: pytest.FixtureRequest) -> Stream:
    found: Stream = request.getfixturevalue("stream" if request.param == "fake" else "real_stream")
    return found


def a_subscription(broker: Stream) -> Hints:
    return FakeHints(broker) if isinstance(broker, FakeStream) else NatsHints(server("TEST_NATS_URL"), "test")


class State:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def apply(self, stored: Stored) -> None:
        self.seen.append(stored.data.decode())

    async def has(self, condition: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(self.seen):
                await asyncio.sleep(0.005)


class CountedHints(FakeHints):
    followed = 0

    async def subscribe(self, subjects: Sequence[str], on_message: OnMessage, on_gap: OnGap) -> None:
        self.followed += 1
        await super().subscribe(subjects, on_message, on_gap)


async def ready(subscription: CatchUpSubscription) -> None:
    async with asyncio.timeout(10):
        while not subscription.ready:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    broker: Stream, state: State, settle: Settle | None = None
) -> AsyncIterator[CatchUpSubscription]:
    hints = a_subscription(broker)
    subscription = CatchUpSubscription(broker, hints, SUBJECTS, state.apply, *([settle] if settle else []))
    task = asyncio.create_task(subscription.run())
    try:
        yield subscription
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
        await hints.close()


async def test_what_was_and_what_comes_is_applied_once_and_in_order(broker: Stream) -> None:
    for number in range(5):
        await put(broker, str(number))
    state = State()
    async with running(broker, state) as subscription:
        await state.has(lambda seen: len(seen) == 5)
        for number in range(5, 40):
            await put(broker, str(number))
        await state.has(lambda seen: len(seen) == 40)

        assert subscription.ready
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
    async with running(broker, state) as subscription:
        for number in range(20):
            sequence = await put(broker, str(number))
            await subscription.reached(sequence)

            assert state.seen[-1] == str(number)
            assert subscription.position == sequence


async def test_what_many_wrote_at_once_is_seen_by_each_in_one_order(broker: Stream) -> None:
    first, second = State(), State()

    async def write(subscription: CatchUpSubscription, text: str) -> None:
        await subscription.reached(await put(broker, text))
        assert text in first.seen

    async with running(broker, first) as subscription:
        await asyncio.gather(*(write(subscription, str(number)) for number in range(50)))
        async with running(broker, second):
            await second.has(lambda seen: len(seen) == 50)

    assert first.seen == second.seen


async def test_whoever_wrote_waits_for_no_pause(stream: FakeStream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the word of it got lost."""
    monkeypatch.setattr("common.messaging.subscriptions.catch_up.FIRST_PAUSE", 3_600.0)
    monkeypatch.setattr("common.messaging.subscriptions.catch_up.LONGEST_PAUSE", 3_600.0)
    state = State()
    async with running(stream, state) as subscription:
        await ready(subscription)
        stream.followers.clear()

        await subscription.reached(await put(stream, "1"))

    assert state.seen == ["1"]


async def test_what_is_not_reached_in_time_is_unavailable(stream: FakeStream) -> None:
    async with running(stream, State()) as subscription:
        sequence = await put(stream, "1")
        await subscription.reached(sequence)
        with pytest.raises(Unavailable):
            await subscription.reached(sequence + 1, 0.01)


async def test_an_event_that_breaks_the_state_is_met_again_by_the_next_run(stream: FakeStream) -> None:
    """As `service.Service` does with a job that failed: no event is left out, and none is applied twice."""
    state, broken = State(), True

    def apply(stored: Stored) -> None:
        if broken and stored.data == b"1":
            raise ZeroDivisionError
        state.apply(stored)

    for number in range(3):
        await put(stream, str(number))
    hints = CountedHints(stream)
    subscription = CatchUpSubscription(stream, hints, SUBJECTS, apply)
    with pytest.raises(ZeroDivisionError):
        await subscription.run()
    assert not subscription.ready
    broken = False
    task = asyncio.create_task(subscription.run())
    await state.has(lambda seen: seen == ["0", "1", "2"])
    task.cancel()
    await asyncio.wait([task])

    assert hints.followed == 1
    await hints.close()


async def test_what_follows_from_the_state_is_published_when_the_end_is_reached(broker: Stream) -> None:
    await put(broker, "1")
    state = State()
    settled: list[int] = []

    async def settle() -> None:
        settled.append(len(state.seen))
        if settled == [1]:
            raise Unavailable("not just now")

    async with running(broker, state, settle) as subscription:
        async with asyncio.timeout(10):
            while len(settled) < 2:
                await asyncio.sleep(0.005)
        await ready(subscription)

    # Never before the whole history is known, and again after an outage.
    assert settled[:2] == [1, 1]


async def test_a_stop_that_comes_with_an_event_stops_it(stream: FakeStream) -> None:
    state = State()
    async with running(stream, state) as subscription:
        await ready(subscription)
        # And no turn of the loop between it and the stop.
        await put(stream, "last")


async def test_who_hears_nothing_any_more_is_not_ready(stream: FakeStream) -> None:
    def apply(_stored: Stored) -> None:
        raise ZeroDivisionError

    hints = FakeHints(stream)
    subscription = CatchUpSubscription(stream, hints, SUBJECTS, apply)
    task = asyncio.create_task(subscription.run())
    await ready(subscription)

    await put(stream, "1")
    with pytest.raises(ZeroDivisionError):
        await task

    assert not subscription.ready
    await hints.close()
