"""How a delivery ends, row by row of the table in `common/messaging/outcomes.py`."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from common.base import times
from common.base.errors import Conflict, DatabaseError, NotFound, Outage, Unavailable
from common.contract.events import TicketUpdated
from common.messaging import outcomes
from common.messaging.dead_letters import ATTEMPTS as ATTEMPTS_HEADER
from common.messaging.dead_letters import QUEUE_GROUP, REASON, SEQUENCE, SUBJECT, DeadLetters
from common.messaging.listener import Listener, NotYet
from common.messaging.outcomes import (
    ATTEMPTS,
    FIRST_DELAY,
    LONGEST_DELAY,
    LONGEST_PARKED_DELAY,
    PARK_AFTER,
    WAITING_ATTEMPTS,
    Outcomes,
    delay_of,
)
from common.messaging.parked_deliveries import ParkedDelivery
from common.messaging.parking import ParkedMessage
from common.messaging.stream import MESSAGE_ID, Stored
from common.persistence.mongo import Database, Document
from common.persistence.parked_messages import ParkedMessages
from common.persistence.replica import VersionGap
from common.testing.events import emitted_by
from common.testing.fake_stream import FakeDelivery, FakeSource, FakeStream
from tests.broker import a_spec
from tests.builders import a_change

Raise = Callable[[], Exception]


class Scripted(Listener[TicketUpdated]):
    """Raises one error after another, then returns."""

    queue_group = "tests"

    def __init__(self, *errors: Exception) -> None:
        self._errors = iter(errors)

    async def on_message(self, _event: TicketUpdated) -> None:
        error = next(self._errors, None)
        if error is not None:
            raise error


@pytest.fixture
def ends(stream: FakeStream) -> Outcomes:
    return Outcomes("tests", DeadLetters(stream))


def a_delivery(
    attempt: int = 1, data: bytes | None = None, headers: dict[str, str] | None = None
) -> FakeDelivery:
    body = a_change().to_json() if data is None else data
    message = Stored(7, "ticket.updated.1", body, emitted_by("tickets") | (headers or {}))
    return FakeDelivery(message, attempt, FakeSource(a_spec()))


async def attempted(ends: Outcomes, *errors: Exception) -> list[str | None]:
    """The outcomes of the deliveries of one message, whose handler raises these errors one by one."""
    listener, ended = Scripted(*errors), []
    for attempt in range(1, len(errors) + 1):
        delivery = a_delivery(attempt)
        await listener.receive(delivery, ends)
        ended.append(delivery.outcome)
    return ended


GAPS = [lambda: VersionGap("1 is at 3, not at 4"), lambda: NotYet("held")]
OUTAGES = [
    *(lambda: Unavailable(), lambda: Conflict()),
    *(lambda: Outage("gone"), lambda: TimeoutError(), lambda: TimeoutError()),
]
FAULTS = [lambda: ValueError("no"), lambda: NotFound(), lambda: DatabaseError("no"), lambda: KeyError("x")]


@pytest.mark.parametrize(
    ("raises", "attempts"),
    [(gap, WAITING_ATTEMPTS) for gap in GAPS] + [(fault, ATTEMPTS) for fault in FAULTS],
)
async def test_what_fails_is_tried_again_until_its_attempts_are_used_up(
    ends: Outcomes, stream: FakeStream, raises: Raise, attempts: int
) -> None:
    assert await attempted(ends, *(raises() for _ in range(attempts - 1))) == ["nak"] * (attempts - 1)
    assert stream.messages == []

    assert await attempted(ends, raises()) == ["term"]
    (letter,) = stream.messages
    assert letter.subject == "dead.tests.ticket.updated.1"
    assert letter.headers[REASON] == repr(raises())


async def test_an_hour_of_waiting_at_the_longest_delay_is_what_the_attempts_allow() -> None:
    assert timedelta(seconds=WAITING_ATTEMPTS * LONGEST_DELAY) == outcomes.GIVEN_UP == timedelta(hours=1)


@pytest.mark.parametrize("before", [OUTAGES[0], GAPS[0]])
async def test_neither_an_outage_nor_a_gap_uses_up_the_attempts_of_an_error(
    ends: Outcomes, stream: FakeStream, before: Raise
) -> None:
    waited = [before() for _ in range(20)]

    ended = await attempted(ends, *waited, *(KeyError("x") for _ in range(ATTEMPTS - 1)))

    assert set(ended) == {"nak"}
    assert stream.messages == []


async def test_the_attempts_of_one_message_are_not_those_of_another(ends: Outcomes) -> None:
    await attempted(ends, *(KeyError("x") for _ in range(ATTEMPTS - 1)))

    other = FakeDelivery(
        Stored(8, "ticket.updated.2", a_change("2").to_json(), emitted_by("tickets")), 1, FakeSource(a_spec())
    )
    await Scripted(KeyError("x")).receive(other, ends)

    assert other.outcome == "nak"


async def test_a_kind_that_no_version_listens_to_is_a_dead_letter_that_says_so(
    stream: FakeStream, database: Database
) -> None:
    parking = ParkedMessages(database)
    since = times.now() - timedelta(hours=2)
    message = ParkedMessage(7, "ticket.updated.1", "ticket.updated", "1", 9, since)
    stored = Stored(7, "ticket.updated.1", a_change().to_json(), emitted_by("tickets"))

    await Outcomes("tests", DeadLetters(stream), parking).unknown(ParkedDelivery(message, stored, parking))

    (letter,) = stream.messages
    assert letter.headers[REASON] == "no listener for this kind of event"
    assert letter.headers[ATTEMPTS_HEADER] == "10"


async def test_a_line_of_the_log_names_the_message_and_the_error(
    ends: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    await Scripted(Outage("gone")).receive(a_delivery(3), ends)
    await Scripted().receive(a_delivery(data=b"{"), ends)

    outage, letter = (vars(record) for record in caplog.records)
    assert (outage["subject"], outage["sequence"], outage["attempt"]) == ("ticket.updated.1", 7, 3)
    assert outage["error"] == "Outage('gone')"
    assert letter["reason"].startswith("does not parse")
    assert "error" not in letter


async def test_an_outage_is_logged_ever_more_rarely_until_a_message_is_handled(
    ends: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    await attempted(ends, *(Outage("gone") for _ in range(20)))
    assert [vars(record)["attempt"] for record in caplog.records] == [1, 2, 4, 8, 16]

    await Scripted().receive(a_delivery(21), ends)
    caplog.clear()
    await attempted(ends, Outage("gone again"))
    assert len(caplog.records) == 1


@pytest.mark.parametrize("raises", [*FAULTS[:1], *GAPS])
async def test_a_message_that_was_handled_and_comes_again_has_all_its_attempts(
    ends: Outcomes, raises: Raise
) -> None:
    """As after a crash of the broker, or a replay."""
    attempts = ATTEMPTS if raises in FAULTS else WAITING_ATTEMPTS
    await attempted(ends, *(raises() for _ in range(attempts - 1)))
    await Scripted().receive(a_delivery(attempts), ends)

    assert await attempted(ends, raises()) == ["nak"]


@pytest.mark.parametrize(("minutes", "delay"), [(0, FIRST_DELAY), (0.5, 30), (10, LONGEST_PARKED_DELAY)])
async def test_a_parked_message_that_is_still_too_early_waits_as_long_again(
    stream: FakeStream, database: Database, minutes: float, delay: float
) -> None:
    parking = ParkedMessages(database)
    message = ParkedMessage(
        7, "ticket.updated.1", "ticket.updated", "1", 9, times.now() - timedelta(minutes=minutes)
    )
    await parking.park(message, 0)
    stored = Stored(7, "ticket.updated.1", a_change().to_json(), emitted_by("tickets"))

    await Outcomes("tests", DeadLetters(stream), parking).too_early(
        ParkedDelivery(message, stored, parking), VersionGap("early")
    )

    (document,) = await parked(database)
    assert (document["due"] - times.now()).total_seconds() == pytest.approx(delay, abs=5)


async def test_a_replayed_message_counts_as_its_own_kind(ends: Outcomes) -> None:
    def handled() -> float:
        labels = {"event": "ticket.updated", "outcome": "ack"}
        return REGISTRY.get_sample_value("event_deliveries_total", labels) or 0

    before = handled()
    again = Stored(8, "retry.tests.ticket.updated.1", a_change().to_json(), emitted_by("tickets"))
    await Scripted().receive(FakeDelivery(again, 1, FakeSource(a_spec())), ends)

    assert handled() == before + 1


async def test_the_counts_of_attempts_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "REMEMBERED", 2)
    counts = outcomes._Counts()
    for sequence in (1, 2, 3, 3):
        counts.another(sequence)

    assert [counts.another(sequence) for sequence in (3, 1)] == [3, 1]


@pytest.mark.parametrize("raises", OUTAGES)
@pytest.mark.parametrize("attempt", [1, ATTEMPTS, WAITING_ATTEMPTS, 100_000])
async def test_an_outage_is_waited_out_for_as_long_as_it_lasts(
    ends: Outcomes, stream: FakeStream, raises: Raise, attempt: int
) -> None:
    delivery = a_delivery(attempt)

    await Scripted(raises()).receive(delivery, ends)

    assert (delivery.outcome, delivery.delay) == ("nak", delay_of(attempt))
    assert stream.messages == []


async def test_a_kind_that_only_a_newer_version_listens_to_is_given_back(
    ends: Outcomes, stream: FakeStream
) -> None:
    delivery = a_delivery(5)

    await ends.unknown(delivery)

    assert (delivery.outcome, delivery.delay) == ("nak", delay_of(5))
    assert stream.messages == []


async def parked(database: Database) -> list[Document]:
    return await database["parked"].find({})


@pytest.mark.parametrize("reason", ["gap", "unknown kind"])
async def test_what_waits_is_parked_after_a_few_attempts(
    stream: FakeStream, database: Database, reason: str
) -> None:
    ends = Outcomes("tests", DeadLetters(stream), ParkedMessages(database))

    async def ended(delivery: FakeDelivery) -> str | None:
        if reason == "gap":
            await ends.too_early(delivery, VersionGap("1 is at 3, not at 4"))
        else:
            await ends.unknown(delivery)
        return delivery.outcome

    assert [await ended(a_delivery(attempt)) for attempt in range(1, PARK_AFTER)] == ["nak"] * (
        PARK_AFTER - 1
    )
    assert await parked(database) == []
    assert await ended(a_delivery(PARK_AFTER)) == "ack"

    (document,) = await parked(database)
    fields = ("_id", "record", "kind", "subject", "attempt")
    assert [document[field] for field in fields] == [
        *(7, "1", "ticket.updated", "ticket.updated.1"),
        PARK_AFTER,
    ]


async def test_what_cannot_be_parked_waits_in_the_consumer(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise Outage("gone")

    parking = ParkedMessages(database)
    monkeypatch.setattr(parking, "park", refuse)
    delivery = a_delivery(PARK_AFTER)

    await Outcomes("tests", DeadLetters(stream), parking).too_early(delivery, VersionGap("early"))

    assert delivery.outcome == "nak"


@pytest.mark.parametrize(
    ("minutes", "left", "letters"), [(59, 1, []), (61, 0, ["dead.tests.ticket.updated.1"])]
)
async def test_a_parked_message_is_a_dead_letter_after_an_hour(
    stream: FakeStream, database: Database, minutes: int, left: int, letters: list[str]
) -> None:
    parking = ParkedMessages(database)
    since = times.now() - timedelta(minutes=minutes)
    message = ParkedMessage(7, "ticket.updated.1", "ticket.updated", "1", 9, since)
    await parking.park(message, 0)
    stored = Stored(7, "ticket.updated.1", a_change().to_json(), emitted_by("tickets"))

    ends = Outcomes("tests", DeadLetters(stream), parking)
    await ends.too_early(ParkedDelivery(message, stored, parking), VersionGap("early"))

    assert len(await parked(database)) == left
    assert [letter.subject for letter in stream.messages] == letters


async def test_a_dead_letter_keeps_the_message_and_tells_why(ends: Outcomes, stream: FakeStream) -> None:
    headers = {MESSAGE_ID: "ticket.updated:1:1", "ce-id": "ticket.updated:1:1", "X-Request-Id": "r"}
    delivery = a_delivery(ATTEMPTS, headers=headers)
    error = ValueError("a\r\nb: c\x00" + "x" * 5000)
    await attempted(ends, *(error for _ in range(ATTEMPTS - 1)))

    await Scripted(error).receive(delivery, ends)

    (letter,) = stream.messages
    assert letter.data == delivery.data
    assert letter.headers["ce-id"] == "ticket.updated:1:1"
    assert letter.headers["X-Request-Id"] == "r"
    assert letter.headers[MESSAGE_ID] == "dead:tests:7"
    assert letter.headers[ATTEMPTS_HEADER] == str(ATTEMPTS)
    assert letter.headers[QUEUE_GROUP] == "tests"
    assert letter.headers[SEQUENCE] == "7"
    assert letter.headers[SUBJECT] == "ticket.updated.1"
    reason = letter.headers[REASON]
    assert reason.startswith("ValueError('a\\r\\nb: c")
    assert len(reason) == 1000
    assert "\n" not in reason


async def test_a_message_that_was_buried_twice_is_one_dead_letter(ends: Outcomes, stream: FakeStream) -> None:
    for _ in range(2):
        await Scripted().receive(a_delivery(data=b"{"), ends)

    assert len(stream.messages) == 1


async def test_what_cannot_be_buried_yet_comes_again(ends: Outcomes, stream: FakeStream) -> None:
    stream.up = False
    delivery = a_delivery(3, data=b"{")

    await Scripted().receive(delivery, ends)

    assert (delivery.outcome, delivery.delay) == ("nak", delay_of(3))


async def test_how_deliveries_end_is_counted(ends: Outcomes, database: Database) -> None:
    def counts() -> list[float]:
        ways = ("ack", "nak", "parked", "dead letter")
        labels = [{"event": "ticket.updated", "outcome": way} for way in ways]
        return [REGISTRY.get_sample_value("event_deliveries_total", label) or 0 for label in labels]

    before = counts()
    for delivery in (a_delivery(), a_delivery(), a_delivery(data=b"{")):
        await Scripted().receive(delivery, ends)
    await attempted(ends, KeyError("x"))
    with_parking = Outcomes("tests", DeadLetters(FakeStream()), ParkedMessages(database))
    await with_parking.too_early(a_delivery(PARK_AFTER), VersionGap("early"))

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [2, 1, 1, 1]


async def test_delays_grow_to_their_bound() -> None:
    assert [delay_of(attempt) for attempt in (1, 2, 3, 4)] == [0.05, 0.1, 0.2, 0.4]
    assert delay_of(8) == LONGEST_DELAY
    assert delay_of(10**9) == LONGEST_DELAY
