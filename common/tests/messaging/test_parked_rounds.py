"""When parked messages are brought back, and how many at once; apart from a consumer and its lanes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from common.messaging import parked_deliveries
from common.messaging.parked_deliveries import MOST_AT_ONCE, ParkedDeliveries
from common.messaging.parking import ParkedMessage
from common.messaging.stream import Delivery
from common.persistence.mongo import Database
from common.persistence.parked_messages import ParkedMessages
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.builders import a_change, until

LATER = 3_600.0
KIND = "ticket.updated"


class CountedParking(ParkedMessages):
    """Counts what it is asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.counts = 0
        self.looks = 0

    async def oldest(self) -> datetime | None:
        found = await super().oldest()
        self.counts += 1
        return found

    async def of_records(
        self, records: Sequence[str], kinds: Sequence[str], limit: int
    ) -> Sequence[ParkedMessage]:
        found = await super().of_records(records, kinds, limit)
        self.looks += 1
        return found


class Rounds:
    """ParkedDeliveries with `room`; `attempts` holds what it brought back."""

    def __init__(self, stream: FakeStream, database: Database) -> None:
        self.parking = CountedParking(database)
        self.attempts: list[Delivery] = []
        self.room = 1_000
        self._stream = stream
        self._deliveries = ParkedDeliveries(
            "tests", self.parking, stream, [KIND], self.attempts.append, lambda: self.room
        )
        self.applied = self._deliveries.applied

    async def park(self, record: str, delay: float, count: int = 1) -> None:
        for version in range(1, count + 1):
            await publish(self._stream, a_change(record, version))
            sequence = self._stream.messages[-1].sequence
            message = ParkedMessage(sequence, f"{KIND}.{record}", KIND, record, 5)
            await self.parking.park(message, delay)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From when it knows that messages are parked."""
        task = asyncio.create_task(self._deliveries.run())
        await until(lambda: self.parking.counts)
        await asyncio.sleep(0.01)
        yield
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    async def end(self, delivery: Delivery) -> None:
        """As an attempt that was too early ends."""
        await delivery.nak(LATER)
        self._deliveries.left(delivery)


@pytest.fixture
def rounds(stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch) -> Rounds:
    monkeypatch.setattr(parked_deliveries, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(parked_deliveries, "GATHER_SECONDS", 0)
    return Rounds(stream, database)


async def a_few_rounds() -> None:
    await asyncio.sleep(5 * parked_deliveries.SWEEP_SECONDS)


async def test_a_message_that_was_to_come_back_during_an_attempt_at_it_comes_back_once_after_it(
    rounds: Rounds,
) -> None:
    for record in "12":
        await rounds.park(record, 0)
    async with rounds.running():
        await until(lambda: len(rounds.attempts) == 2)
        rounds.applied("1")
        await until(lambda: rounds.parking.looks)

        for attempt in list(rounds.attempts):
            await rounds.end(attempt)
        await until(lambda: len(rounds.attempts) == 3)
        await rounds.end(rounds.attempts[2])
        await a_few_rounds()

    assert [attempt.subject[-1] for attempt in rounds.attempts[2:]] == ["1"]


@pytest.mark.parametrize("delay", [0, LATER])
async def test_the_last_place_is_used(rounds: Rounds, delay: float) -> None:
    """By a message that is due, and by one whose record went on."""
    rounds.room = 1
    await rounds.park("1", delay)
    async with rounds.running():
        if delay:
            rounds.applied("1")
        await until(lambda: rounds.attempts)


async def test_many_messages_of_one_record_take_no_more_places_than_others(rounds: Rounds) -> None:
    await rounds.park("1", LATER, count=MOST_AT_ONCE + 8)
    async with rounds.running():
        rounds.applied("1")
        await until(lambda: rounds.attempts)
        await a_few_rounds()

    assert len(rounds.attempts) == MOST_AT_ONCE


async def test_what_may_come_back_while_there_is_no_room_comes_once_there_is(rounds: Rounds) -> None:
    rounds.room = 0
    await rounds.park("1", LATER)
    async with rounds.running():
        rounds.applied("1")
        await a_few_rounds()
        assert rounds.attempts == []

        rounds.room = 1
        await until(lambda: rounds.attempts)


async def test_the_parked_are_not_counted_anew_for_each_record_that_goes_on(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked_deliveries, "SWEEP_SECONDS", LATER)
    await rounds.park("1", LATER)
    async with rounds.running():
        for look in range(1, 6):
            rounds.applied("2")
            await until(lambda look=look: rounds.parking.looks == look)  # type: ignore[misc]

    assert rounds.parking.counts == 1
