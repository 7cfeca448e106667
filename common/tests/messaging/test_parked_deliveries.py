"""Messages that wait for another one: parked, brought back, and out of the way of the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from common.base import times
from common.base.errors import Outage
from common.base.ids import new_id
from common.contract.events import TicketCreated, TicketUpdated
from common.messaging import outcomes, parked_deliveries
from common.messaging.listener import Listener
from common.messaging.parking import ParkedMessage
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.parked_messages import ParkedMessages
from common.persistence.replica import Replica
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.builders import a_change, a_creation, consuming, until


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parked_deliveries, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(outcomes, "FIRST_DELAY", 0.002)


class Kept(Listener[TicketCreated | TicketUpdated]):
    queue_group = "tests"

    def __init__(self, database: Database) -> None:
        self.replica = Replica(database["tickets"])

    async def on_message(self, event: TicketCreated | TicketUpdated) -> None:
        await self.replica.apply(event.id, event.version, {"title": event.title})


@asynccontextmanager
async def keeping(stream: Stream, database: Database) -> AsyncIterator[ParkedMessages]:
    parking = ParkedMessages(database)
    await parking.prepare()
    async with consuming(stream, Kept(database), parking=parking):
        yield parking


async def reached(database: Database, version: int, count: int, seconds: float = 10) -> None:
    """Returns once `count` records are at `version`."""
    async with asyncio.timeout(seconds):
        while await database["tickets"].count_documents({"version": version}) < count:
            await asyncio.sleep(0.01)


async def parked(parking: ParkedMessages, count: int, seconds: float = 10) -> None:
    """Returns once `count` messages are parked."""
    async with asyncio.timeout(seconds):
        while await parking.count() != count:
            await asyncio.sleep(0.01)


async def test_what_came_too_early_is_handled_once_the_missing_version_was(
    stream: FakeStream, database: Database
) -> None:
    async with keeping(stream, database) as parking:
        await publish(stream, a_change("1", 3), a_change("1", 2))
        await parked(parking, 2)
        await stream.settled()

        await publish(stream, a_creation("1"), a_change("1", 1))
        await reached(database, 3, 1)
        await parked(parking, 0)


async def test_what_another_process_parked_is_brought_back(stream: FakeStream, database: Database) -> None:
    async with keeping(stream, database) as parking:
        await publish(stream, a_change("1", 1))
        await parked(parking, 1)

    async with keeping(stream, database) as parking:
        await publish(stream, a_creation("1"))
        await reached(database, 1, 1)
        await parked(parking, 0)


async def test_what_waits_takes_no_place_in_the_consumer(stream: FakeStream, database: Database) -> None:
    async with keeping(stream, database) as parking:
        await publish(stream, *(a_change(str(n), 5) for n in range(20)))
        await parked(parking, 20)

        pending = await stream.sources["tests"].pending()
        assert (pending.undelivered, pending.unacknowledged) == (0, 0)


async def test_a_message_that_was_parked_and_deleted_from_the_stream_is_let_go(
    stream: FakeStream, database: Database
) -> None:
    async with keeping(stream, database) as parking:
        await publish(stream, a_change("1", 1))
        await parked(parking, 1)
        await stream.settled()
        stream.messages.clear()

        await publish(stream, a_creation("1"))
        await parked(parking, 0)


async def test_parked_messages_are_counted_and_so_is_the_age_of_the_oldest(
    stream: FakeStream, database: Database
) -> None:
    def gauge(name: str) -> float:
        return REGISTRY.get_sample_value(name, {"consumer": "tests"}) or 0

    parking = ParkedMessages(database)
    since = times.now() - timedelta(minutes=5)
    for sequence in (5, 6):
        await parking.park(ParkedMessage(sequence, "ticket.updated.1", "unknown", "1", 3, since), 60)
    async with keeping(stream, database) as parking:
        await until(lambda: gauge("event_parked") == 2)
        assert 300 <= gauge("event_parked_oldest_seconds") < 330

        for sequence in (5, 6):
            await parking.release(sequence)
        await until(lambda: gauge("event_parked") == gauge("event_parked_oldest_seconds") == 0)


async def test_a_database_that_is_away_for_a_while_loses_no_parked_message(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with keeping(stream, database) as parking:
        await publish(stream, a_change("1", 1))
        await parked(parking, 1)
        failures = 0

        async def refuse(*_: object) -> None:
            nonlocal failures
            failures += 1
            raise Outage("gone")

        with monkeypatch.context() as outage:
            for method in ("oldest", "due", "of_records"):
                outage.setattr(parking, method, refuse)
            await publish(stream, a_creation("1"))
            await until(lambda: failures >= 3)

        await reached(database, 1, 1)
        await parked(parking, 0)


@pytest.mark.connected
async def test_thousands_of_gaps_hold_up_no_other_event_and_close_once_their_versions_come(
    real_stream: Stream, real_database: Database
) -> None:
    waiting = [new_id() for _ in range(2_500)]
    async with keeping(real_stream, real_database) as parking:
        await publish(real_stream, *(a_change(each, 1) for each in waiting))
        await parked(parking, len(waiting), seconds=60)

        good = [new_id() for _ in range(200)]
        await publish(real_stream, *(a_creation(each) for each in good))
        await reached(real_database, 0, len(good), seconds=20)
        assert await parking.count() == len(waiting)

        await publish(real_stream, *(a_creation(each) for each in waiting))
        await reached(real_database, 1, len(waiting), seconds=60)
        await parked(parking, 0, seconds=30)
    assert await real_stream.count("dead.>", dead_letters=True) == 0
