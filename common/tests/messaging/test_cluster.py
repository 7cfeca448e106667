"""A cluster of three servers that each keep the stream: it may lose any one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import nats.errors
import pytest
from nats.js.api import StreamInfo

from common.base.errors import Unavailable
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.declarations import Storage
from common.messaging.jetstream.stream import JetStream
from common.messaging.subscriptions.hints import NatsHints
from tests.broker import NatsServer, a_cluster, a_spec, put, texts
from tests.messaging.test_hints import Follower

pytestmark = pytest.mark.connected


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[NatsServer]]:
    servers = a_cluster(tmp_path, 3)
    yield servers
    for server in servers:
        server.kill()


T = TypeVar("T")


async def soon(attempt: Callable[[], Awaitable[T]]) -> T:
    """Tries again while the cluster chooses a leader, as consumers and outboxes do."""
    async with asyncio.timeout(40):
        while True:
            try:
                return await attempt()
            except (Unavailable, nats.errors.Error, TimeoutError):
                await asyncio.sleep(0.1)


@asynccontextmanager
async def connected(servers: list[NatsServer], replicas: int) -> AsyncIterator[JetStream]:
    stream = JetStream(",".join(server.url for server in servers), "test", MARKETPLACE, Storage(replicas))
    connecting = asyncio.create_task(stream.connect())
    try:
        # One alone can't keep three copies: the streams are declared once the others are there.
        for server in servers:
            await server.start()
        async with asyncio.timeout(40):
            await connecting
        yield stream
    finally:
        connecting.cancel()
        await stream.close()


async def put_soon(stream: JetStream, text: str) -> None:
    await soon(lambda: put(stream, text, message_id=text))


async def described(stream: JetStream) -> StreamInfo:
    return await soon(lambda: stream.client.jetstream().stream_info(MARKETPLACE.name))


async def test_no_event_is_lost_with_one_of_three_servers(servers: list[NatsServer]) -> None:
    async with connected(servers, replicas=3) as stream:
        source = await soon(lambda: stream.source(a_spec()))
        for number in range(20):
            await put_soon(stream, str(number))

        servers[0].kill()
        for number in range(20, 40):
            await put_soon(stream, str(number))

        seen: set[str] = set()
        async with asyncio.timeout(40):
            while len(seen) < 40:
                for delivery in await soon(lambda: source.pull(1)):
                    seen.update(texts([delivery]))
                    await delivery.ack()
        assert seen == {str(number) for number in range(40)}
        info = await described(stream)
        assert info.config.num_replicas == 3
        assert info.cluster is not None


async def test_a_stream_keeps_the_copies_that_it_has(servers: list[NatsServer]) -> None:
    found: list[int | None] = []
    for asked in (1, 3, 1):
        async with connected(servers, asked) as stream:
            found.append((await described(stream)).config.num_replicas)
    assert found == [1, 3, 3]


async def test_a_follower_hears_whatever_server_a_message_comes_by(servers: list[NatsServer]) -> None:
    async with connected(servers, replicas=3) as stream:
        followers = [Follower(NatsHints(server.url, "test")) for server in servers]
        try:
            for one in followers:
                await one.follow("ticket.created.*")
            await heard_by_all(stream, followers)
        finally:
            for one in followers:
                await one.hints.close()


async def test_a_follower_goes_over_to_a_server_that_is_left(servers: list[NatsServer]) -> None:
    async with connected(servers, replicas=3) as stream:
        one = Follower(NatsHints(servers[0].url, "test"))
        try:
            # It learns of the others from the first.
            await one.follow("ticket.created.*")
            servers[0].kill()
            await one.until(lambda: one.look_again == 2, within=40)
            await heard_by_all(stream, [one])
        finally:
            await one.hints.close()


async def heard_by_all(stream: JetStream, followers: Sequence[Follower]) -> None:
    """Sends until it is: a new subscription is known to the other servers a moment later."""
    async with asyncio.timeout(40):
        number = 0
        while not all(one.received for one in followers):
            number += 1
            await put_soon(stream, f"message {number}")
            await asyncio.sleep(0.02)
