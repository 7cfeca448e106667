"""What the connection's client does to a task that ends."""

import asyncio
import json
from contextlib import suppress
from types import SimpleNamespace

import pytest

from common.messaging.jetstream.pull_consumer import JetStreamSource
from common.messaging.nats_connection import Identity, PersistentClient, cancellation_kept, credentials
from common.messaging.progress import Progress
from common.messaging.seeds import new_seed
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


@pytest.mark.parametrize("said", [{"tls_required": False}, {}, {"tls_available": True}])
async def test_no_server_talks_a_client_with_a_tls_address_out_of_tls(said: dict[str, bool]) -> None:
    """Its first words are plain text, which anybody on the way may change."""
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "x", "version": "2.0.0", "max_payload": 1, "nonce": "n", **said}
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        if not received.done():
            received.set_result(await reader.read(1024))
        writer.close()

    async def ignore(_: Exception) -> None: ...

    async with asyncio.timeout(10), await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        url = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        identity = credentials(Identity("orders", new_seed()))
        with pytest.raises(OSError):  # noqa: PT011  # the handshake that the server gave up
            await PersistentClient().connect(url, **identity, allow_reconnect=False, error_cb=ignore)
        first = await received

    handshake = 0x16
    assert first[0] == handshake
    assert b"CONNECT" not in first
