"""Records of mails: their order, how many are taken at once, and what each step leaves of them."""

from datetime import timedelta

import pytest

from auth.mail import mails as outbox
from auth.mail.kinds import Confirm
from auth.mail.mails import KEPT, LEASE, Ended, Mail, Mails
from common.base import times
from common.persistence.mongo import Database
from common.testing.clock import Clock

CONTENT = Confirm(path="/auth/confirm?token=secret")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mails(database: Database) -> Mails:
    return Mails(database)


@pytest.fixture(autouse=True)
def clock(clock: Clock) -> Clock:
    clock.now = times.now()
    return clock


async def put(mails: Mails, mail_id: str) -> None:
    await mails.put(mail_id, CONTENT, user_id="u1", to="ada@shop.test", language="zh")


async def test_the_longest_due_comes_first_and_a_look_takes_so_many(
    mails: Mails, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    first = clock.now
    for minutes, mail_id in ((1, "c"), (0, "b"), (2, "a")):
        clock.now = first + minutes * MINUTE
        await put(mails, mail_id)

    assert await mails.due() == ["b", "c"]
    assert await mails.waiting() == (3, first)


async def test_a_leased_mail_is_as_it_was_put_and_due_again_after_the_lease(
    mails: Mails, clock: Clock, database: Database
) -> None:
    await put(mails, "a")
    mail = await mails.lease("a")

    assert mail is not None
    assert mail == Mail("a", CONTENT, "u1", "ada@shop.test", "zh", None, clock.now, 0, mail.lease)
    assert mail.lease
    (stored,) = await database["mails"].find({})
    assert (stored["due"], stored["lease"]) == (clock.now + LEASE, mail.lease)
    assert (await mails.waiting())[0] == 1
    await mails.postpone(mail, MINUTE, refused=True)
    (stored,) = await database["mails"].find({})
    assert "lease" not in stored
    assert (stored["due"], stored["attempts"]) == (clock.now + MINUTE, 1)


async def test_an_ended_mail_keeps_neither_its_words_nor_its_address(
    mails: Mails, clock: Clock, database: Database
) -> None:
    await put(mails, "a")
    mail = await mails.lease("a")
    assert mail is not None
    await mails.end(mail, Ended.SENT)

    (stored,) = await database["mails"].find({})
    assert stored == {
        **{"_id": "a", "kind": "confirm", "user_id": "u1", "language": "zh", "attempts": 0},
        **{"at": clock.now, "ended": "sent", "ended_at": clock.now, "expires_at": clock.now + KEPT},
    }
    assert await mails.waiting() == (0, None)
    assert await mails.lease("a") is None


async def test_a_lost_lease_is_logged_and_ends_nothing(
    mails: Mails, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await put(mails, "a")
    lost = await mails.lease("a")
    clock.now += LEASE
    held = await mails.lease("a")
    assert lost is not None
    assert held is not None

    await mails.end(lost, Ended.SENT)
    assert len(caplog.records) == 1
    caplog.clear()
    await mails.end(held, Ended.SENT)
    assert caplog.records == []
