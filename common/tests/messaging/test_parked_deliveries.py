"""Messages that wait for another one: parked, brought back, and out of the way of the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from common.base import times
from common.base.errors import DatabaseError, Outage
from common.base.ids import new_id
from common.contract.events import TicketCreated, TicketUpdated
from common.messaging import outcomes, parked_deliveries
from common.messaging.consumer import Consumer
from common.messaging.listener import Listener
from common.messaging.parked_deliveries import MOST_AT_ONCE, ParkedDelivery
from common.messaging.parking import ParkedMessage
from common.messaging.stream import Stored, Stream
from common.persistence import parked_messages
from common.persistence.mongo import Database
from common.persistence.parked_messages import ParkedMessages
from common.persistence.replica import Replica
from common.testing.events import emitted_by, publish
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


def gauge(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"consumer": "tests"}) or 0


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
        await stream.settled()

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


def a_parked(sequence: int = 7, record: str = "1", version: int = 1) -> tuple[ParkedMessage, Stored]:
    subject = f"ticket.updated.{record}"
    message = ParkedMessage(sequence, subject, "ticket.updated", record, 5)
    return message, Stored(sequence, subject, a_change(record, version).to_json(), emitted_by("tickets"))


async def test_what_waits_for_a_version_comes_back_with_it_and_not_only_when_it_is_due(
    stream: FakeStream, database: Database
) -> None:
    async with keeping(stream, database) as parking:
        await publish(stream, a_change("1", 1))
        await parked(parking, 1)
        await stream.settled()
        # The process knows that something is parked, and is not at it.
        await until(lambda: gauge("event_parked") == 1)
        (message,) = await parking.of_records(["1"], ["ticket.updated"], 1)
        await parking.put_off(message.sequence, 3_600)

        await publish(stream, a_creation("1"))
        await reached(database, 1, 1)


@pytest.mark.parametrize("error", [Outage("gone"), DatabaseError("no")])
@pytest.mark.parametrize("end", ["ack", "term", "nak", "in_progress"])
async def test_an_end_that_the_database_does_not_store_is_made_good_by_the_next_attempt(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception, end: str
) -> None:
    async def refuse(*_: object) -> None:
        raise error

    parking = ParkedMessages(database)
    message, stored = a_parked()
    await parking.park(message, 0)
    monkeypatch.setattr(parking, "release", refuse)
    monkeypatch.setattr(parking, "put_off", refuse)
    delivery = ParkedDelivery(message, stored, parking)

    await (delivery.nak(1) if end == "nak" else getattr(delivery, end)())

    assert await parking.count() == 1


async def test_a_long_handler_keeps_a_parked_message_from_another_process(database: Database) -> None:
    parking = ParkedMessages(database)
    message, stored = a_parked()
    await parking.park(message, 0)

    await ParkedDelivery(message, stored, parking).in_progress()

    assert await parking.due(["ticket.updated"], timedelta(hours=1), 10) == []


class Slow(Kept):
    """Holds every message until `gate` is open."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.gate = asyncio.Event()
        self.running = 0
        self.calls = 0

    async def on_message(self, event: TicketCreated | TicketUpdated) -> None:
        self.running, self.calls = self.running + 1, self.calls + 1
        await self.gate.wait()
        self.running -= 1
        await super().on_message(event)


async def test_messages_that_come_back_take_a_part_of_the_capacity_and_each_once(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked_messages, "CLAIM", timedelta(0))
    parking, listener = ParkedMessages(database), Slow(database)
    source = await stream.source(Consumer(stream, [listener]).spec)
    for n in range(100):
        await listener.replica.apply(str(n), 0, {})
        await publish(stream, a_change(str(n), 1))
        await parking.park(a_parked(n + 1, str(n))[0], 0)
    # The consumer has passed these messages, since they are parked.
    for delivery in await source.pull(100):
        await delivery.ack()
    async with consuming(stream, listener, parking=parking):
        await until(lambda: listener.running == MOST_AT_ONCE)
        looks = 0
        due = parking.due

        async def counted(*arguments: Any) -> Sequence[ParkedMessage]:
            nonlocal looks
            looks += 1
            return await due(*arguments)

        monkeypatch.setattr(parking, "due", counted)
        await asyncio.sleep(5 * parked_deliveries.SWEEP_SECONDS)
        assert (listener.running, looks) == (MOST_AT_ONCE, 0)

        listener.gate.set()
        await reached(database, 1, 100)
        await parked(parking, 0)
    assert listener.calls == 100
