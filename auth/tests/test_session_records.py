"""Records of sessions, without an app: whose they are, what each write stores, and which end."""

from datetime import timedelta

import pytest

from auth import sessions
from auth.publishers import publishers
from auth.sessions import Origin, SessionRecords
from common.base import times
from common.base.errors import NotFound
from common.base.identity import CurrentUser
from common.http.ended_sessions import EndedSessions
from common.http.session_tokens import LIFETIME
from common.persistence.mongo import Database
from common.testing.clock import Clock
from common.testing.fake_stream import FakeStream

ORIGIN = Origin("Firefox on Linux", "198.51.100.7")
ADA, BOB = "a" * 24, "b" * 24
FIRST, SECOND, THIRD = (letter * 22 for letter in "ABC")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ended() -> EndedSessions:
    return EndedSessions()


@pytest.fixture
async def records(database: Database, stream: FakeStream, ended: EndedSessions) -> SessionRecords:
    records = SessionRecords(database, publishers(stream), ended)
    await records.prepare()
    return records


async def begun(records: SessionRecords, clock: Clock, *names: str, user_id: str = ADA) -> None:
    """Sessions that began one minute after another."""
    for name in names:
        await records.begin(CurrentUser(user_id, name), ORIGIN)
        clock.now += MINUTE


async def names(records: SessionRecords, user_id: str = ADA) -> list[str]:
    return [session.id for session in await records.of_user(user_id)]


@pytest.fixture(autouse=True)
def clock(clock: Clock) -> Clock:
    clock.now = times.now()
    return clock


async def test_a_users_sessions_are_listed_the_latest_used_first(
    records: SessionRecords, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(records, clock, FIRST, SECOND, THIRD)
    await begun(records, clock, "D" * 22, user_id=BOB)
    monkeypatch.setattr("auth.last_used.NOTE_EVERY_SECONDS", 0.0)
    await records.use(CurrentUser(ADA, FIRST), Origin("another", "192.0.2.9"))

    found = await records.of_user(ADA)

    assert [session.id for session in found] == [FIRST, THIRD, SECOND]
    assert (found[0].device, found[0].address) == (ORIGIN.device, ORIGIN.address)
    assert found[0].used_at == clock.now
    assert found[0].created_at == clock.now - 4 * MINUTE


async def test_no_more_are_listed_than_a_page_holds(
    records: SessionRecords, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_LISTED", 2)
    await begun(records, clock, FIRST, SECOND, THIRD)

    assert await names(records) == [THIRD, SECOND]


async def test_a_use_is_stored_once_in_a_while_also_of_a_session_without_a_record(
    records: SessionRecords, clock: Clock, database: Database
) -> None:
    session = CurrentUser(ADA, FIRST)
    await records.use(session, ORIGIN)
    first = clock.now
    clock.now += MINUTE
    await records.use(session, ORIGIN)

    (document,) = await database["sessions"].find({})
    assert document == {
        **{"_id": FIRST, "user_id": ADA, "device": ORIGIN.device, "address": ORIGIN.address},
        **{"created_at": first, "used_at": first, "expires_at": first + LIFETIME},
    }


async def test_its_beginning_is_its_first_use(records: SessionRecords, clock: Clock) -> None:
    await begun(records, clock, FIRST)
    await records.use(CurrentUser(ADA, FIRST), ORIGIN)

    (session,) = await records.of_user(ADA)

    assert session.used_at == session.created_at == clock.now - MINUTE


async def test_a_session_is_over_with_its_life_and_a_prolonged_one_later(
    records: SessionRecords, clock: Clock
) -> None:
    await begun(records, clock, FIRST, SECOND)
    await records.prolong(CurrentUser(ADA, SECOND))
    clock.now += LIFETIME - MINUTE

    assert await names(records) == [SECOND]
    with pytest.raises(NotFound):
        await records.end(ADA, FIRST)


async def test_only_its_owner_ends_a_session_and_only_once(
    records: SessionRecords, clock: Clock, ended: EndedSessions, stream: FakeStream
) -> None:
    await begun(records, clock, FIRST)
    with pytest.raises(NotFound):
        await records.end(BOB, FIRST)
    assert FIRST not in ended

    await records.end(ADA, FIRST)

    assert FIRST in ended
    with pytest.raises(NotFound):
        await records.end(ADA, FIRST)
    await records.relay.drained()
    assert [message.subject for message in stream.messages] == [f"session.ended.{FIRST}"]


async def test_all_end_but_the_one_that_goes_on(
    records: SessionRecords, clock: Clock, ended: EndedSessions, stream: FakeStream
) -> None:
    await begun(records, clock, FIRST, SECOND, THIRD)
    await begun(records, clock, "D" * 22, user_id=BOB)

    await records.end_sessions(ADA, but=SECOND)

    assert await names(records) == [SECOND]
    assert await names(records, BOB) == ["D" * 22]
    assert [name in ended for name in (FIRST, SECOND, THIRD)] == [True, False, True]
    await records.relay.drained()
    assert len(stream.messages) == 2


async def test_an_end_is_stored_with_its_event_until_the_broker_has_it(
    records: SessionRecords, clock: Clock, ended: EndedSessions, stream: FakeStream, database: Database
) -> None:
    await begun(records, clock, FIRST)
    stream.up = False
    await records.end_own(CurrentUser(ADA, FIRST))

    assert FIRST in ended
    (document,) = await database["sessions"].find({})
    assert len(document["outbox"]) == 1


async def test_an_own_session_without_a_record_ends_once_and_stays_unlisted(
    records: SessionRecords, clock: Clock, ended: EndedSessions, stream: FakeStream, database: Database
) -> None:
    session = CurrentUser(ADA, FIRST)
    await records.end_own(session)
    first = clock.now
    clock.now += MINUTE
    await records.end_own(session)

    assert FIRST in ended
    assert await names(records) == []
    (document,) = await database["sessions"].find({})
    assert (document["device"], document["address"], document["user_id"]) == ("", "", ADA)
    assert document["ended_at"] == first
    await records.relay.drained()
    (document,) = await database["sessions"].find({})
    assert not document["outbox"]
    assert len(stream.messages) == 1


async def test_the_id_of_no_session_is_neither_used_nor_ended(
    records: SessionRecords, database: Database, stream: FakeStream
) -> None:
    odd = CurrentUser(ADA, "an old release's")
    await records.use(odd, ORIGIN)
    await records.end_own(odd)

    assert await database["sessions"].count_documents({}) == 0
    assert stream.messages == []
