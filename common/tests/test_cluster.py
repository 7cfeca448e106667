"""A cluster of three servers that each keep the stream: it may lose any one of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from common.jetstream import JetStream
from common.stream import STREAM
from tests.broker import NatsServer, a_cluster, a_spec, pulled, put, texts

pytestmark = pytest.mark.connected


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[NatsServer]]:
    servers = a_cluster(tmp_path, 3)
    yield servers
    for server in servers:
        server.kill()


async def put_soon(stream: JetStream, text: str) -> None:
    """Tries again while the cluster chooses a leader."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await put(stream, text, message_id=text)
            except Exception:
                await asyncio.sleep(0.1)


async def test_no_event_is_lost_with_one_of_three_servers(servers: list[NatsServer]) -> None:
    stream = JetStream(",".join(server.url for server in servers), "test", replicas=3)
    await servers[0].start()
    connecting = asyncio.create_task(stream.connect())
    # Alone the first can't keep three copies: the streams are declared once the others are there.
    await servers[1].start()
    await servers[2].start()
    async with asyncio.timeout(30):
        await connecting
    source = await stream.source(a_spec())
    for number in range(20):
        await put_soon(stream, str(number))

    servers[0].kill()
    for number in range(20, 40):
        await put_soon(stream, str(number))

    seen: set[str] = set()
    async with asyncio.timeout(30):
        while len(seen) < 40:
            for delivery in await pulled(source, 1, within=30):
                seen.update(texts([delivery]))
                await delivery.ack()
    assert seen == {str(number) for number in range(40)}
    info = await stream.client.jetstream().stream_info(STREAM)
    assert info.config.num_replicas == 3
    assert info.cluster is not None
    await stream.close()


async def test_a_stream_keeps_the_copies_that_it_has(servers: list[NatsServer]) -> None:
    for server in servers:
        await server.start()
    urls = ",".join(server.url for server in servers)
    for asked in (1, 3, 1):
        stream = JetStream(urls, "test", replicas=asked)
        async with asyncio.timeout(30):
            await stream.connect()
        copies = (await stream.client.jetstream().stream_info(STREAM)).config.num_replicas
        await stream.close()
        assert copies == (1 if asked == 1 and copies == 1 else 3)

    assert copies == 3
