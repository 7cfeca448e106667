"""Fixtures of every suite; see the package's docstring."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.persistence import outbox
from common.persistence.mongo import Database, connect
from common.testing.clock import clock as clock
from common.testing.fake_stream import FakeStream
from common.testing.memory import memory_database
from common.testing.security import security_lines as security_lines
from common.testing.servers import server as server

SETTINGS = (
    *("NATS_SEED", "NATS_CA", "NATS_STREAM_REPLICAS", "NATS_STREAM_MAX_BYTES"),
    *("JWT_KEY", "JWT_PUBLIC_KEYS", "RECEIPT_KEYS", "CLIENT_ADDRESS_KEY", "DEVICE_KEY"),
    *("FILES_URL", "FILES_KEY", "BARCODE_KEY"),
    *("MONGO_URI", "NATS_URL", "REDIS_URL", "API_BASE_URL", "API_HOST", "PORT", "HOST", "LOG_LEVEL"),
    *("PUBLIC_URL", "MAIL_URL", "MAIL_FROM"),
    *("PAYMENT_GATEWAY", "STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "ORDER_HOLD_SECONDS", "COOKIE_SECURE"),
)


@pytest.fixture
def database() -> Database:
    """A database in memory: no race shows on it; tests about races take `real_database`."""
    return memory_database()


@pytest.fixture
def stream() -> FakeStream:
    return FakeStream()


@pytest.fixture
async def real_database() -> AsyncIterator[Database]:
    """A database of its own on the server that TEST_MONGO_URI names, dropped afterwards."""
    uri, name = server("TEST_MONGO_URI"), f"test-{uuid.uuid4().hex[:12]}"
    database = connect(uri, name)
    yield database
    # An app that ran on it has closed its connection; closing twice is fine.
    await database.close()
    again = connect(uri, name)
    await again.drop()
    await again.close()


@pytest.fixture(
    params=[
        pytest.param("database", id="in memory"),
        pytest.param("real_database", id="real", marks=pytest.mark.connected),
    ]
)
def any_database(request: pytest.FixtureRequest) -> Database:
    """One suite for the database in memory and the real one, which alone shows races."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
async def real_stream() -> AsyncIterator[Stream]:
    """The stream on the server that TEST_NATS_URL names, empty at first."""
    stream = JetStream(server("TEST_NATS_URL"), "test", MARKETPLACE)
    await stream.connect()
    await _empty(stream)
    yield stream
    await stream.close()


async def _empty(stream: JetStream) -> None:
    context = stream.client.jetstream()
    for name in (MARKETPLACE.name, MARKETPLACE.dead_letters):
        for consumer in await context.consumers_info(name):
            await context.delete_consumer(name, consumer.name)
        await context.purge_stream(name)


@pytest.fixture
def hasty_relays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps of outboxes that come at once, and take fresh events, too."""
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(outbox, "GRACE", timedelta(0))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any variable of a service."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch
