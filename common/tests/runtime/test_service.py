"""Dependencies come up in any order, and a stop finishes what runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from common.base.errors import Outage
from common.contract.events import TicketUpdated
from common.contract.stream import MARKETPLACE
from common.http.app import create_http_app
from common.messaging.consumer import Consumer
from common.messaging.jetstream.stream import JetStream
from common.messaging.listener import Listener
from common.persistence.mongo import Database, connect
from common.runtime import service
from common.runtime.service import Service
from common.testing.answers import errors_of
from common.testing.browser import BASE_URL
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.broker import NatsServer
from tests.builders import Listing, Listings, a_change, listings, publishers, until


class Store:
    """Its database is down until `up`."""

    def __init__(self) -> None:
        self.up = False
        self.attempts = 0

    async def prepare(self) -> None:
        self.attempts += 1
        if not self.up:
            raise Outage("down")


class Updated(Listener[TicketUpdated]):
    queue_group = "tests"

    def __init__(self, effect: Callable[[TicketUpdated], Awaitable[None]] | None = None) -> None:
        self.started: list[TicketUpdated] = []
        self.done: list[TicketUpdated] = []
        self.gate = asyncio.Event()
        self._effect = effect

    async def on_message(self, event: TicketUpdated) -> None:
        self.started.append(event)
        await self.gate.wait()
        if self._effect is not None:
            await self._effect(event)
        self.done.append(event)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "RETRY_SECONDS", 0.005)


@asynccontextmanager
async def started(parts: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service whose lifespan runs, ready or not."""
    app: FastAPI = create_http_app("tests", [], parts.lifespan, parts.checks())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
    ):
        yield client


async def ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.005)


async def down(client: httpx.AsyncClient) -> list[str]:
    return [entry["message"] for entry in errors_of(await client.get("/readyz"), 503)]


async def test_a_service_starts_while_everything_is_down_and_is_ready_once_all_is_up(
    database: Database, stream: FakeStream
) -> None:
    stream.up = False
    store = Store()
    parts = Service(database, stream, [store], consumer=Consumer(stream, [Updated()]))
    async with started(parts) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert await down(client) == [
            f"{name} is not ready" for name in ("indexes", "event stream", "consumer")
        ]
        await until(lambda: store.attempts > 2)
        stream.up = True
        async with asyncio.timeout(5):
            while "event stream is not ready" in await down(client):
                await asyncio.sleep(0.005)
        assert await down(client) == ["indexes is not ready", "consumer is not ready"]

        store.up = True
        await ready(client)

        stream.up = False
        assert await down(client) == ["event stream is not ready"]


async def test_a_job_begins_once_the_database_is_prepared(database: Database) -> None:
    store, began = Store(), asyncio.Event()

    async def job() -> None:
        began.set()

    async with started(Service(database, collections=[store], jobs=[job])) as client:
        await until(lambda: store.attempts > 2)
        assert not began.is_set()

        store.up = True
        await ready(client)
        await until(began.is_set)


async def test_a_job_that_fails_is_started_again(database: Database) -> None:
    runs: list[int] = []

    async def job() -> None:
        runs.append(len(runs))
        if len(runs) < 3:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    async with started(Service(database, jobs=[job])) as client:
        await ready(client)
        await until(lambda: len(runs) == 3)
        assert (await client.get("/healthz")).status_code == 200


async def test_a_stop_finishes_the_message_under_way_and_publishes_its_event(
    database: Database, stream: FakeStream
) -> None:
    repo = await listings(database, stream)

    async def effect(event: TicketUpdated) -> None:
        await repo.save(Listing.offer(event.title))

    listener = Updated(effect)
    closed: list[bool] = []

    async def close() -> None:
        closed.append(bool(listener.done))

    parts = Service(
        database,
        stream,
        relays=[repo.relay],
        consumer=Consumer(stream, [listener]),
        on_stop=[close],
    )
    async with started(parts) as client:
        await ready(client)
        await publish(stream, a_change("1", 1, "under way"))
        await until(lambda: listener.started)
        asyncio.get_running_loop().call_later(0.05, listener.gate.set)

    assert [event.title for event in listener.done] == ["under way"]
    assert [delivery.outcome for delivery in stream.sources["tests"].deliveries] == ["ack"]
    assert len(stream.of("ticket.created")) == 1
    assert closed == [True]


class Connection:
    """A database that writes down what ended before it."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.ended: list[str] = []

    async def is_up(self) -> bool:
        return self.up

    async def close(self) -> None:
        self.ended.append("database")


async def test_a_database_that_is_down_is_named() -> None:
    async with started(Service(Connection(up=False))) as client:
        assert "database is not ready" in await down(client)


async def test_a_service_connects_to_its_stream_as_it_starts() -> None:
    connected = asyncio.Event()

    class Stream(FakeStream):
        async def connect(self) -> None:
            connected.set()

    async with started(Service(stream=Stream())):
        async with asyncio.timeout(5):
            await connected.wait()


async def test_a_job_ends_in_order_before_its_connections_close() -> None:
    database, began = Connection(), asyncio.Event()

    async def job() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            database.ended.append("job")

    async with started(Service(database, jobs=[job])):
        async with asyncio.timeout(5):
            await began.wait()

    assert database.ended == ["job", "database"]


async def test_what_fails_to_close_keeps_nothing_else_open(stream: FakeStream) -> None:
    database = Connection()

    async def fail() -> None:
        raise RuntimeError("no")

    async def close() -> None:
        database.ended.append("another")

    async with started(Service(database, stream, on_stop=[fail, close])):
        pass

    assert database.ended == ["another", "database"]


async def test_a_stop_does_not_wait_for_ever(
    database: Database, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STOP_SECONDS", 0.05)
    listener = Updated()
    parts = Service(database, stream, consumer=Consumer(stream, [listener]))
    async with asyncio.timeout(2), started(parts) as client:
        await ready(client)
        await publish(stream, a_change())
        await until(lambda: listener.started)

    assert [delivery.outcome for delivery in stream.sources["tests"].deliveries] == [None]
    listener.gate.set()
    await until(lambda: listener.done)


async def test_a_stopped_service_takes_no_more(database: Database, stream: FakeStream) -> None:
    listener = Updated()
    listener.gate.set()
    async with started(Service(database, stream, consumer=Consumer(stream, [listener]))) as client:
        await ready(client)

    await publish(stream, a_change())
    await asyncio.sleep(0.02)

    assert listener.started == []


@pytest.mark.connected
async def test_the_real_broker_may_come_later_and_the_real_database_be_gone(nats_server: NatsServer) -> None:
    database = connect("mongodb://127.0.0.1:1", "nowhere")
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    repo = Listings(database, publishers(stream))
    parts = Service(database, stream, [repo], [repo.relay], Consumer(stream, [Updated()]))
    async with asyncio.timeout(20), started(parts) as client:
        assert len(await down(client)) == 4
        await nats_server.start()
        async with asyncio.timeout(10):
            while "event stream is not ready" in await down(client):
                await asyncio.sleep(0.01)
        assert "database is not ready" in await down(client)


@pytest.mark.connected
async def test_a_service_can_stop_before_its_broker_was_ever_there(nats_server: NatsServer) -> None:
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    async with (
        asyncio.timeout(10),
        started(Service(stream=stream, consumer=Consumer(stream, [Updated()]))) as client,
    ):
        assert await down(client) == ["event stream is not ready", "consumer is not ready"]
