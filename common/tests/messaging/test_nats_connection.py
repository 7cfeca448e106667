"""What the connection's client does to a task that ends."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace

import pytest

from common.messaging.jetstream.pull_consumer import JetStreamSource
from common.messaging.nats_connection import cancellation_kept
from common.messaging.progress import Progress
from common.testing.fake_stream import FakeStream


class Answering:
    """A client whose answer comes together with a cancellation, and is returned in its place."""

    def new_inbox(self) -> str:
        return "inbox"

    def jetstream(self) -> "Answering":
        return self

    async def consumer_info(self, _stream: str, _durable: str) -> SimpleNamespace:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return SimpleNamespace(num_pending=0, num_ack_pending=0)


async def test_a_loop_that_is_ended_as_an_answer_comes_ends(stream: FakeStream) -> None:
    async def declare() -> None: ...

    source = JetStreamSource(Answering(), "gittix", "tests", declare)  # type: ignore[arg-type]  # by shape
    task = asyncio.create_task(Progress("tests", stream).watch(source, lambda: 0))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.wait([task], timeout=5)

    assert task.cancelled()


async def test_a_request_on_the_way_out_of_a_cancelled_task_is_answered() -> None:
    answers = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with cancellation_kept():
                await asyncio.sleep(0)
                answers.append("closed")
            answers.append("and went on")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert answers == ["closed", "and went on"]
