"""The parking in the database: what is taken, by whom, and how long it is out of the others' reach."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from common.base import times
from common.messaging import parking as port
from common.messaging.parking import ParkedMessage
from common.persistence.mongo import Database
from common.persistence.parked_messages import COLLECTION, ParkedMessages

DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]
HOUR = timedelta(hours=1)
OURS = ["ticket.updated", "ticket.created"]
LATER = 600.0


@pytest.fixture(params=DATABASES)
def parking(request: pytest.FixtureRequest) -> ParkedMessages:
    database: Database = request.getfixturevalue(request.param)
    return ParkedMessages(database)


def a_message(
    sequence: int, record: str = "1", kind: str = "ticket.updated", waited: timedelta = timedelta(0)
) -> ParkedMessage:
    # The database stores milliseconds.
    since = times.now().replace(microsecond=0) - waited
    return ParkedMessage(sequence, f"{kind}.{record}", kind, record, 5, since)


def sequences(found: Sequence[ParkedMessage]) -> list[int]:
    return [message.sequence for message in found]


async def test_what_is_due_is_taken_as_it_was_parked_and_the_longest_due_first(
    parking: ParkedMessages,
) -> None:
    messages = {sequence: a_message(sequence, str(sequence)) for sequence in (1, 2, 3, 4)}
    for sequence, delay in ((1, -1), (2, -3), (3, LATER), (4, -2)):
        await parking.park(messages[sequence], delay)

    assert await parking.due(OURS, HOUR, 2) == [messages[2], messages[4]]
    assert await parking.due(OURS, HOUR, 2) == [messages[1]]


async def test_a_message_that_was_taken_is_out_of_reach_for_a_while_and_has_one_more_attempt(
    parking: ParkedMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    await parking.park(a_message(1), 0)
    assert sequences(await parking.due(OURS, HOUR, 10)) == [1]
    assert await parking.due(OURS, HOUR, 10) == []

    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + port.CLAIM + timedelta(seconds=1))

    (again,) = await parking.due(OURS, HOUR, 10)
    assert again.attempt == 6


async def test_a_kind_of_another_version_is_taken_only_once_it_is_given_up(parking: ParkedMessages) -> None:
    newer = "ticket.swapped"
    await parking.park(a_message(1, kind=newer, waited=timedelta(minutes=59)), 0)
    await parking.park(a_message(2, kind=newer, waited=timedelta(minutes=61)), -2)
    await parking.park(a_message(3, kind=newer, waited=timedelta(minutes=61)), LATER)
    await parking.park(a_message(4, waited=timedelta(minutes=59)), -1)

    assert sequences(await parking.due(OURS, HOUR, 10)) == [2, 4]


async def test_the_messages_of_a_record_are_taken_in_the_streams_order_due_or_not(
    parking: ParkedMessages,
) -> None:
    for sequence, delay in ((4, 0), (3, LATER), (5, LATER)):
        await parking.park(a_message(sequence), delay)
    await parking.park(a_message(1, "other"), 0)
    await parking.park(a_message(2, kind="ticket.swapped"), 0)
    await parking.park(a_message(6, "third", "ticket.created"), LATER)

    assert sequences(await parking.of_records(["1", "third"], OURS, 2)) == [3, 4]
    assert sequences(await parking.due(OURS, HOUR, 10)) == [1]
    assert sequences(await parking.of_records(["1", "third"], OURS, 10)) == [3, 4, 5, 6]


async def test_one_that_is_parked_again_waits_since_the_first_time(parking: ParkedMessages) -> None:
    first = a_message(1, waited=timedelta(minutes=30))
    await parking.park(first, 0)
    await parking.park(a_message(1), LATER)

    assert await parking.due(OURS, HOUR, 10) == [first]


async def test_one_that_is_put_off_is_due_after_that_time_and_one_that_is_gone_stays_gone(
    parking: ParkedMessages,
) -> None:
    await parking.park(a_message(1), 0)
    await parking.put_off(1, LATER)
    assert await parking.due(OURS, HOUR, 10) == []

    await parking.put_off(1, -1)
    assert sequences(await parking.due(OURS, HOUR, 10)) == [1]
    await parking.release(1)
    await parking.release(1)
    await parking.put_off(1, -1)
    assert await parking.count() == 0


async def test_those_that_are_left_are_counted_and_the_oldest_is_known(parking: ParkedMessages) -> None:
    assert (await parking.count(), await parking.oldest()) == (0, None)
    messages = [a_message(n, waited=timedelta(minutes=minutes)) for n, minutes in enumerate((2, 9, 5))]
    for message in messages:
        await parking.park(message, LATER)
    assert (await parking.count(), await parking.oldest()) == (3, messages[1].since)

    await parking.release(1)
    assert (await parking.count(), await parking.oldest()) == (2, messages[2].since)


@pytest.mark.connected
async def test_every_query_of_a_round_has_an_index(real_database: Database) -> None:
    """Else a million parked messages would be read once a second."""
    await ParkedMessages(real_database).prepare()

    listed = await real_database.command({"listIndexes": COLLECTION})

    keys = [list(index["key"]) for index in listed["cursor"]["firstBatch"]]
    assert keys == [["_id"], ["due"], ["since"], ["record", "_id"]]
