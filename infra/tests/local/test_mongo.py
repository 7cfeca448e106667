"""The embedded server, as the services use it: the same documents after a restart, one winner of a race."""

import asyncio
import io
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import DuplicateKeyError

from infra.local import mongo
from infra.local.output import Output
from infra.local.ports import free_edge
from infra.local.process import Supervised

pytestmark = pytest.mark.connected

Client = AsyncIOMotorClient[dict[str, Any]]


class Server:
    def __init__(self, folder: Path) -> None:
        self.port = free_edge()
        self.file = folder / "store"

    async def __aenter__(self) -> Client:
        command = await asyncio.to_thread(mongo.command, self.port, self.file)
        self.process = Supervised(
            "mongo", command, {}, Output(["mongo"], io.StringIO()), lambda: None, signal.SIGTERM
        )
        await self.process.start()
        self.client: Client = AsyncIOMotorClient(f"mongodb://127.0.0.1:{self.port}")
        await self.client.admin.command("ping")
        return self.client

    async def __aexit__(self, *_: object) -> None:
        self.client.close()
        await self.process.stop()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with Server(tmp_path) as running:
        yield running


async def test_documents_and_indexes_outlive_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path)
    async with server as client:
        await client.shop.orders.create_index("reservation", unique=True, sparse=True)
        await client.shop.orders.insert_one(
            {"_id": "a", "reservation": "t", "at": datetime(2026, 1, 1, tzinfo=UTC)}
        )

    async with server as client:
        assert await client.shop.orders.count_documents({"reservation": "t", "_id": "a"}) == 1
        with pytest.raises(DuplicateKeyError):
            await client.shop.orders.insert_one({"_id": "b", "reservation": "t"})


async def test_one_of_many_conditional_updates_wins(client: Client) -> None:
    things = client.shop.things
    await things.insert_one({"_id": "x", "version": 0})
    for version in range(25):
        results = await asyncio.gather(
            *(things.update_one({"_id": "x", "version": version}, {"$inc": {"version": 1}}) for _ in range(8))
        )
        assert sum(result.modified_count for result in results) == 1


async def test_a_sparse_index_of_subdocuments_finds_what_is_due(client: Client) -> None:
    things = client.shop.things
    await things.create_index("outbox.at", sparse=True)
    await things.insert_many(
        [{"_id": n, "outbox": [{"id": "e", "at": n}] if n % 2 else []} for n in range(10)]
    )

    assert [thing["_id"] async for thing in things.find({"outbox.at": {"$lt": 5}}).sort("_id", 1)] == [1, 3]
    await things.update_many({"_id": {"$in": [1, 5]}}, {"$pull": {"outbox": {"id": {"$in": ["e"]}}}})
    assert [thing["_id"] async for thing in things.find({"outbox.at": {"$gt": 0}}).sort("_id", 1)] == [
        3,
        7,
        9,
    ]


async def test_equal_values_of_a_secondary_index_are_all_found(client: Client) -> None:
    things = client.shop.things
    await things.create_index([("owner", 1), ("_id", -1)])
    await things.insert_many([{"_id": n, "owner": "ab"[n % 2]} for n in range(6)])
    await things.delete_one({"_id": 4})
    await things.update_one({"_id": 1}, {"$set": {"owner": "a"}})

    assert [thing["_id"] async for thing in things.find({"owner": "a"}).sort("_id", -1)] == [2, 1, 0]
    assert await things.count_documents({"owner": "a", "_id": {"$lt": 2}}) == 2
    assert await things.count_documents({"owner": {"$in": ["a", "b"]}}) == 5
