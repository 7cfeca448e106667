"""Replica set of three servers, as in production: acknowledged writes survive the crash of any member."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from common.base.errors import Unavailable
from common.persistence.mongo import Database, connect
from common.persistence.replica_set import administered, initiate
from infra.dev import mongo
from infra.dev.output import Output
from infra.dev.ports import free_edge
from infra.dev.process import Supervised

pytestmark = pytest.mark.connected

Members = Mapping[str, Supervised]


@pytest.fixture
async def members(tmp_path: Path) -> AsyncIterator[Members]:
    """Three servers by address, not yet members of one set."""
    first = free_edge()
    servers = {
        f"127.0.0.1:{port}": Supervised(
            "mongo",
            mongo.command(port, tmp_path / str(port)),
            {},
            Output(["mongo"], io.StringIO()),
            lambda: None,
            signal.SIGTERM,
        )
        for port in range(first, first + 3)
    }
    async with AsyncExitStack() as stack:
        for server in servers.values():
            await server.start()
            # On SIGTERM, a member waits 15 s for another member to take over.
            stack.push_async_callback(server.stop, timeout=0.1)
        yield servers


@pytest.fixture
async def database(members: Members) -> AsyncIterator[Database]:
    uri = f"mongodb://{','.join(members)}/shop?replicaSet=rs0&w=majority&journal=true"
    database = connect(uri, "shop")
    yield database
    await database.close()


async def test_initiating_waits_for_all_servers_and_may_be_repeated(members: Members) -> None:
    addresses = list(members)
    async with asyncio.timeout(60):
        primary = await initiate(addresses)
        again = await initiate(addresses)

    admin = administered(addresses[2])
    config = (await admin.command("replSetGetConfig"))["config"]
    await admin.close()
    assert primary == again
    assert [member["host"] for member in config["members"]] == addresses
    assert config["version"] == 1


async def test_a_killed_primary_takes_nothing_that_was_acknowledged(
    members: Members, database: Database
) -> None:
    things, acknowledged = database["things"], set[str]()
    async with asyncio.timeout(60):
        primary = await initiate(list(members))

    async def write(lane: int) -> None:
        for number in range(100_000):
            name = f"{lane}-{number}"
            with suppress(Unavailable):
                await things.insert_one({"_id": name})
                acknowledged.add(name)

    lanes = [asyncio.create_task(write(lane)) for lane in range(8)]
    async with asyncio.timeout(60):
        while len(acknowledged) < 300:
            await asyncio.sleep(0.01)
        pid = members[primary].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while await initiate(list(members)) == primary:
            await asyncio.sleep(0.05)
        before = len(acknowledged)
        while len(acknowledged) < before + 300:
            await asyncio.sleep(0.01)
    for lane in lanes:
        lane.cancel()
    await asyncio.gather(*lanes, return_exceptions=True)

    assert acknowledged - {found["_id"] for found in await things.find({})} == set()
