"""A state that is replayed and followed, over the fake stream and, marked `connected`, the real one alike."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from common.base.errors import Unavailable
from common.messaging.stream import Stored, Stream
from common.messaging.subscriptions import catch_up
from common.messaging.subscriptions.catch_up import CatchUpSubscription, Settle
from common.messaging.subscriptions.hints import Hints, NatsHints, OnGap, OnMessage
from common.testing import fake_stream
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream
from common.testing.fixtures import server
from tests.broker import put
from tests.builders import until
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
    pauses(monkeypatch, 3_600, 3_600)
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
        with pytest.raises(Unavailable, match="What was stored can't be seen yet"):
            await subscription.reached(sequence + 1, 0.01)


class Looked(FakeStream):
    """Counts how often its history is read; `hidden` readings from now on find nothing."""

    looks = 0
    hidden = 0

    async def history(
        self, subjects: Sequence[str], after: int = 0, *, dead_letters: bool = False
    ) -> AsyncGenerator[Sequence[Stored], None]:
        self.looks += 1
        self.hidden -= 1
        if self.hidden < 0:
            async for batch in super().history(subjects, after, dead_letters=dead_letters):
                yield batch


def pauses(monkeypatch: pytest.MonkeyPatch, first: float, longest: float) -> None:
    monkeypatch.setattr(catch_up, "FIRST_PAUSE", first)
    monkeypatch.setattr(catch_up, "LONGEST_PAUSE", longest)


async def test_what_no_hint_told_of_is_found_after_a_pause(
    stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses(monkeypatch, 0.001, 0.01)
    state = State()
    async with running(stream, state) as subscription:
        await ready(subscription)
        stream.followers.clear()

        await put(stream, "1")
        await state.has(lambda seen: seen == ["1"])


async def test_a_hint_that_comes_before_its_message_is_followed_by_a_second_look_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses(monkeypatch, 3_600, 3_600)
    stream, state = Looked(), State()
    async with running(stream, state) as subscription:
        await ready(subscription)
        pauses(monkeypatch, 0.001, 3_600)
        stream.hidden = 1

        await put(stream, "1")
        await state.has(lambda seen: seen == ["1"])


async def test_a_stream_at_rest_is_looked_at_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses(monkeypatch, 0.001, 3_600)
    stream, began = Looked(), time.monotonic()
    async with running(stream, State()):
        await until(lambda: stream.looks >= 8)

    # Pauses of 2, 4, 8 … milliseconds, so 8 looks take 0.25 seconds, after the two of the beginning.
    assert stream.looks <= 3 + math.log2((time.monotonic() - began) / 0.001)


async def test_a_long_history_is_replayed_without_pauses_and_not_ready_before_its_end(
    stream: FakeStream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fake_stream, "HISTORY_BATCH", 1)
    for number in range(50):
        await put(stream, str(number))
    state, hints = State(), FakeHints(stream)
    seen_when_ready: list[int] = []

    def apply(stored: Stored) -> None:
        if subscription.ready:
            seen_when_ready.append(len(state.seen))
        state.apply(stored)

    subscription = CatchUpSubscription(stream, hints, SUBJECTS, apply)
    with caplog.at_level(logging.INFO):
        task = asyncio.create_task(subscription.run())
        await ready(subscription)
        task.cancel()

    assert len(state.seen) == 50
    assert seen_when_ready == []
    (line,) = (vars(record) for record in caplog.records if record.message == "replayed")
    assert line["events"] == 50
    await hints.close()


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
