"""The outbox of mails. One suite for the database in memory and the real one."""

import asyncio
from datetime import timedelta

import pytest

from auth.mail.kinds import Confirm, PasswordChanged, Reset
from auth.mail.mails import KEPT, LEASE, Ended, Mail, Mails
from common.base import times
from common.persistence.mongo import Database
from common.testing.clock import Clock

RESET = Reset(path="/auth/reset?token=secret")


@pytest.fixture
async def mails(any_database: Database) -> Mails:
    mails = Mails(any_database)
    await mails.prepare()
    return mails


async def _put(mails: Mails, mail_id: str = "reset-1") -> None:
    await mails.put(mail_id, RESET, user_id="u1", to="ada@shop.test", language="zh")


async def _leased(mails: Mails, mail_id: str = "reset-1") -> Mail:
    mail = await mails.lease(mail_id)
    assert mail is not None
    return mail


async def test_a_mail_that_is_put_twice_waits_once_and_wakes_the_sender_once(mails: Mails) -> None:
    woken = []
    mails.on_put = lambda: woken.append(True)
    for _ in range(2):
        await _put(mails)

    assert await mails.due() == ["reset-1"]
    assert woken == [True]
    mail = await _leased(mails)
    assert (mail.content, mail.to, mail.language, mail.user_id) == (RESET, "ada@shop.test", "zh", "u1")


async def test_a_content_comes_back_as_it_was_put(mails: Mails) -> None:
    notice = PasswordChanged(path="/auth/forgot", at=times.now())
    await mails.put("n", notice, user_id="u1", to="ada@shop.test", language="xx")

    mail = await _leased(mails, "n")
    assert mail.content == notice
    assert mail.language == "en"


async def test_a_leased_mail_is_nobody_elses_until_the_lease_ends(mails: Mails, clock: Clock) -> None:
    await _put(mails)
    lost = await _leased(mails)

    assert await mails.due() == []
    assert await mails.lease("reset-1") is None
    clock.now += LEASE
    again = await _leased(mails)
    await mails.end(lost, Ended.SENT)
    await mails.postpone(lost, timedelta(0), refused=True)
    assert await mails.waiting() == (1, again.at)
    await mails.end(again, Ended.SENT)
    assert await mails.waiting() == (0, None)


async def test_a_sent_mail_is_not_put_again_and_its_secret_and_address_are_gone(
    mails: Mails, clock: Clock
) -> None:
    await _put(mails)
    await mails.end(await _leased(mails), Ended.SENT)
    await _put(mails)

    clock.now += timedelta(hours=1)
    assert await mails.due() == []
    (kept,) = await mails.documents.find({})
    assert "secret" not in str(kept)
    assert "ada@" not in str(kept)
    assert kept["ended"] == "sent"
    assert kept["expires_at"] - kept["ended_at"] == KEPT


async def test_a_postponed_mail_is_due_after_its_pause(mails: Mails, clock: Clock) -> None:
    await _put(mails)
    await mails.postpone(await _leased(mails), timedelta(seconds=60), refused=True)

    assert await mails.due() == []
    clock.now += timedelta(seconds=60)
    assert (await _leased(mails)).attempts == 1


async def test_a_link_is_deleted_by_the_database_when_it_ends(mails: Mails) -> None:
    until = times.now() + timedelta(minutes=15)
    await mails.put("r", RESET, user_id="u1", to="ada@shop.test", language="en", useful_until=until)

    (stored,) = await mails.documents.find({})
    assert stored["expires_at"] == until
    assert (await _leased(mails, "r")).useful_until == until


async def test_kinds_of_a_newer_version_are_left_to_it_and_its_fields_are_ignored(mails: Mails) -> None:
    await _put(mails, "old")
    await mails.documents.update_one({"_id": "old"}, {"$set": {"data.later": 1, "later": 2}})
    await _put(mails, "new")
    await mails.documents.update_one({"_id": "new"}, {"$set": {"kind": "of-tomorrow"}})

    assert await mails.due() == ["old"]
    assert (await _leased(mails, "old")).content == RESET


@pytest.mark.connected
async def test_of_twenty_processes_one_gets_the_lease(real_database: Database) -> None:
    mails = Mails(real_database)
    await mails.prepare()
    await asyncio.gather(
        *(mails.put("c", Confirm(path="/c"), user_id="u", to="a@shop.test", language="en") for _ in range(20))
    )

    assert await mails.documents.count_documents({}) == 1
    assert sum(mail is not None for mail in await asyncio.gather(*(mails.lease("c") for _ in range(20)))) == 1
