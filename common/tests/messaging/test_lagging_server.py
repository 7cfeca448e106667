"""A server of a cluster that is behind the others for a moment: what is read from it is whole anyway."""

import asyncio
from pathlib import Path

import pytest

from common.messaging.jetstream.stream import JetStream
from tests.broker import NatsServer, a_cluster, put
from tests.messaging.test_cluster import connected, described, put_soon

pytestmark = pytest.mark.connected

MISSED = 20
OTHERS = 500
"""Large messages of another subject, so that the server takes a while to be there again."""
BODY = "x" * 100_000
READS = 12


async def follower(stream: JetStream, servers: list[NatsServer]) -> NatsServer:
    """One that neither leads the stream nor holds the test's connection."""
    info = await described(stream)
    assert info.cluster is not None
    url = stream.client.connected_url
    assert url is not None
    return next(
        server
        for number, server in enumerate(servers)
        if f"n{number}" != info.cluster.leader and server.url.rpartition(":")[2] != str(url.port)
    )


async def length(stream: JetStream) -> int:
    return sum([len(batch) async for batch in stream.history(["ticket.>"])])


async def test_a_history_is_whole_although_the_server_that_is_read_is_behind(tmp_path: Path) -> None:
    servers = a_cluster(tmp_path, 3)
    try:
        async with connected(servers, replicas=3) as stream:
            await put_soon(stream, "first")
            behind = await follower(stream, servers)
            behind.pause()
            for _ in range(OTHERS // 50):
                await asyncio.gather(*(put(stream, BODY, "order.created.1") for _ in range(50)))
            await asyncio.gather(*(put(stream, str(number)) for number in range(MISSED)))
            behind.resume()

            # The cluster places a third of the readers on that server.
            found = await asyncio.gather(*(length(stream) for _ in range(READS)))
        assert found == [MISSED + 1] * READS
    finally:
        for server in servers:
            server.kill()
