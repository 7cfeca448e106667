"""Follow subscription: recent messages, and then each as it is published. Over the fake stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from common.base import times
from common.messaging.stream import Stored
from common.messaging.subscriptions import follow
from common.messaging.subscriptions.follow import FollowSubscription
from common.testing.fake_stream import FakeStream
from tests.broker import put
from tests.builders import until

LIFE = timedelta(hours=1)


class Followed:
    """seen: Data of each message, with the subscription's readiness at that moment."""

    def __init__(self, stream: FakeStream) -> None:
        self.seen: list[tuple[str, bool]] = []
        self.subscription = FollowSubscription(stream, "ticket.created.*", LIFE, self._apply)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.subscription.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=5)
        assert task.cancelled()

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.seen]

    def _apply(self, stored: Stored) -> None:
        self.seen.append((stored.data.decode(), self.subscription.ready))


@pytest.fixture(autouse=True)
def retry_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "RETRY_SECONDS", 0.001)


@pytest.fixture
def followed(stream: FakeStream) -> Followed:
    return Followed(stream)


async def put_long_ago(stream: FakeStream, data: str, age: timedelta) -> None:
    await put(stream, data)
    stream.messages[-1] = replace(stream.messages[-1], at=times.now() - age)


async def test_what_was_stored_is_read_before_it_is_ready_and_the_rest_as_it_comes(
    stream: FakeStream, followed: Followed
) -> None:
    for text in ("a", "b"):
        await put(stream, text)
    await put(stream, "of another kind", "ticket.updated.1")
    async with followed.running():
        await until(lambda: followed.subscription.ready)
        await put(stream, "c")

        await until(lambda: len(followed.seen) == 3)
        assert followed.seen == [("a", False), ("b", False), ("c", True)]


async def test_older_messages_are_not_read(stream: FakeStream, followed: Followed) -> None:
    await put_long_ago(stream, "old", LIFE + timedelta(seconds=1))
    await put_long_ago(stream, "recent", LIFE - timedelta(minutes=1))

    async with followed.running():
        await until(lambda: followed.subscription.ready)
        assert followed.texts == ["recent"]


async def test_without_the_broker_it_is_not_ready_until_the_broker_is_there(
    stream: FakeStream, followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    stream.up = False
    async with followed.running():
        await until(lambda: len(caplog.records) >= 3)
        assert not followed.subscription.ready

        stream.up = True

        await until(lambda: followed.subscription.ready)


async def test_after_an_outage_it_goes_on_where_it_was_and_is_ready_meanwhile(
    stream: FakeStream, followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    await put(stream, "a")
    async with followed.running():
        await until(lambda: followed.subscription.ready)
        await put(stream, "b")
        stream.up = False
        await until(lambda: caplog.records)
        assert followed.subscription.ready
        stream.up = True

        await until(lambda: len(followed.seen) >= 2)
        await put(stream, "c")
        await until(lambda: len(followed.seen) >= 3)
        assert followed.texts == ["a", "b", "c"]


class CountedStream(FakeStream):
    refusals = 0

    def _require_up(self) -> None:
        self.refusals += not self.up
        super()._require_up()


async def test_each_outage_is_logged_at_its_start_and_then_ever_more_rarely(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = CountedStream()
    followed = Followed(stream)
    stream.up = False
    async with followed.running():
        await until(lambda: stream.refusals >= 9)
        assert len(caplog.records) < stream.refusals
        stream.up = True
        await until(lambda: followed.subscription.ready)
        caplog.clear()
        stream.refusals = 0

        await put(stream, "a")
        stream.up = False

        await until(lambda: caplog.records)
        assert stream.refusals < 5
        record = vars(caplog.records[0])
        assert (record["subject"], record["levelname"]) == ("ticket.created.*", "WARNING")
        assert "Unavailable" in record["error"]


async def test_nothing_is_left_to_do_at_a_stop(followed: Followed) -> None:
    await asyncio.wait_for(followed.subscription.drained(), 1)
