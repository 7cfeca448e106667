"""A process follows the ends of sessions: each one, with its time, as long as a token of it can be good."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from common.base import times
from common.contract import ended_sessions
from common.contract.events import SessionEnded
from common.testing.events import emitted_by, publish
from common.testing.fake_stream import FakeStream
from tests.builders import until

DAY = timedelta(days=1)


class Ended:
    life = 7 * DAY

    def __init__(self) -> None:
        self.added: list[tuple[str, float]] = []

    def add(self, session_id: str, at: float) -> None:
        self.added.append((session_id, at))


@pytest.fixture
def ended() -> Ended:
    return Ended()


@asynccontextmanager
async def following(stream: FakeStream, ended: Ended) -> AsyncIterator[None]:
    """While the subscription runs, once it is ready."""
    found = ended_sessions.follow(stream, ended)
    task = asyncio.create_task(found.run())
    try:
        await until(lambda: found.ready)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)


async def ended_ago(stream: FakeStream, session_id: str, age: timedelta) -> None:
    await publish(stream, SessionEnded(id=session_id, user_id="u"))
    stream.messages[-1] = replace(stream.messages[-1], at=times.now() - age)


async def test_each_end_is_added_with_the_time_at_which_it_was_stored(
    stream: FakeStream, ended: Ended
) -> None:
    await ended_ago(stream, "one", DAY)
    async with following(stream, ended):
        await ended_ago(stream, "two", timedelta(0))
        await until(lambda: len(ended.added) == 2)

    assert ended.added == [
        (name, message.at.timestamp()) for name, message in zip(("one", "two"), stream.messages, strict=True)
    ]


async def test_ends_are_read_back_for_a_tokens_life_and_the_difference_of_two_clocks(
    stream: FakeStream, ended: Ended
) -> None:
    await ended_ago(stream, "long over", ended.life + timedelta(minutes=11))
    await ended_ago(stream, "just over", ended.life + timedelta(minutes=9))

    async with following(stream, ended):
        assert [name for name, _ in ended.added] == ["just over"]


async def test_a_message_that_is_no_end_of_a_session_is_logged_and_skipped(
    stream: FakeStream, ended: Ended, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await stream.publish("session.ended.one", b"[]", emitted_by("auth"))
    forged = SessionEnded(id="forged", user_id="u").to_json()
    await stream.publish("session.ended.forged", forged, emitted_by("tickets"))
    await publish(stream, SessionEnded(id="good", user_id="u"))

    async with following(stream, ended):
        assert [name for name, _ in ended.added] == ["good"]
    assert [vars(record)["event"] for record in caplog.records] == [
        "session.ended.one",
        "session.ended.forged",
    ]
