"""The sender, on a mail server that is away, slow, or refuses an address."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from tests.mail_server import FakeMailServer

from auth.domain import Email, User
from auth.mail import sender as sending
from auth.mail.kinds import Reset
from auth.mail.letters import Letters
from auth.mail.mails import Ended, Mail, Mails
from auth.mail.postman import Postman
from auth.mail.sender import LONGEST_PAUSE, PATIENCE, Sender, away_seconds, pause
from auth.mail.server import MailServer
from auth.mail.unsubscribing import Unsubscribing
from auth.repository import UserRepository
from common.persistence.mongo import Database
from common.testing.clock import Clock

RESET = Reset(path="/auth/reset?token=secret")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(sending, "away_seconds", lambda _failures: 0.02)
    monkeypatch.setattr(sending, "FIRST_PAUSE", timedelta(0))


@pytest.fixture
async def users(database: Database) -> UserRepository:
    users = UserRepository(database)
    await users.prepare()
    return users


@pytest.fixture
async def mails(database: Database, hasty: None) -> Mails:  # noqa: ARG001 (a fixture that patches)
    mails = Mails(database)
    await mails.prepare()
    return mails


def _sender(mails: Mails, users: UserRepository, mail_server: FakeMailServer, lanes: int = 2) -> Sender:
    address = MailServer.parse(f"smtp://127.0.0.1:{mail_server.port}")
    letters = Letters("mail@shop.test", "https://shop.test", Unsubscribing.derived_from("a secret"))
    return Sender(mails, users, letters, [Postman(address) for _ in range(lanes)])


@asynccontextmanager
async def _running(sender: Sender) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await sender.drained()


async def _put(mails: Mails, name: str, user_id: str = "u") -> None:
    await mails.put(name, RESET, user_id=user_id, to=f"{name}@shop.test", language="en")


async def _until_ended(mails: Mails, *names: str, how: Ended = Ended.SENT) -> None:
    async with asyncio.timeout(30):
        query = {"_id": {"$in": list(names)}, "ended": how.value}
        while await mails.documents.count_documents(query) < len(names):
            await asyncio.sleep(0.01)


async def test_a_mail_is_sent_when_it_is_put_and_over_a_connection_that_stays(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    async with _running(_sender(mails, users, mail_server, lanes=1)):
        for name in ("ada", "bob"):
            await _put(mails, name)
            await _until_ended(mails, name)

    assert [to for to, _ in mail_server.received] == ["ada@shop.test", "bob@shop.test"]
    assert mail_server.connections == 1
    assert mail_server.received[0][1]["From"] == "GitTix <mail@shop.test>"


async def test_a_server_that_is_away_delays_and_costs_a_mail_no_attempt(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    await mail_server.stop()
    async with _running(_sender(mails, users, mail_server)):
        await _put(mails, "ada")
        await asyncio.sleep(0.3)
        (waiting,) = await mails.documents.find({})
        await mail_server.start()
        await _until_ended(mails, "ada")

    assert waiting["attempts"] == 0
    assert mail_server.times_received == {"ada@shop.test": 1}


class _LeasedMails(Mails):
    leases = 0

    async def lease(self, mail_id: str) -> Mail | None:
        self.leases += 1
        return await super().lease(mail_id)


async def test_no_mail_is_leased_while_no_server_answers(
    database: Database, users: UserRepository, mail_server: FakeMailServer
) -> None:
    """A process that is killed meanwhile delays no mail."""
    mails = _LeasedMails(database)
    await mail_server.stop()
    async with _running(_sender(mails, users, mail_server)):
        await _put(mails, "ada")
        await asyncio.sleep(0.3)
        leased = mails.leases
        await mail_server.start()
        await _until_ended(mails, "ada")

    assert leased == 0


async def test_a_connection_that_the_server_closed_is_opened_again(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    async with _running(_sender(mails, users, mail_server, lanes=1)):
        await _put(mails, "ada")
        await _until_ended(mails, "ada")
        await mail_server.stop()
        await mail_server.start()
        await _put(mails, "bob")
        await _until_ended(mails, "bob")

    assert mail_server.times_received == {"ada@shop.test": 1, "bob@shop.test": 1}
    assert (await mails.documents.find_one({"_id": "bob"}) or {})["attempts"] == 0


async def test_an_address_refused_for_good_is_noted_with_its_user_until_a_mail_arrives(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    user = User.register(Email.parse("ada@shop.test"), "hash")
    await users.add(user)
    mail_server.replies["ada@shop.test"] = ["550 5.1.1 no such user", "250 OK"]
    async with _running(_sender(mails, users, mail_server)):
        await _put(mails, "ada", user.id)
        await _put(mails, "bob")
        await _until_ended(mails, "ada", how=Ended.BOUNCED)
        await _until_ended(mails, "bob")
        noted = await users.documents.find_one({"_id": user.id}) or {}
        await mails.put("later", RESET, user_id=user.id, to="ada@shop.test", language="en")
        await _until_ended(mails, "later")

    assert noted["bounced"]["address"] == "ada@shop.test"
    assert "bounced" not in (await users.documents.find_one({"_id": user.id}) or {})


@pytest.mark.parametrize(
    "reply", ["450 busy", "554 5.7.1 relay access denied", "550 5.7.26 policy", "530 auth"]
)
async def test_an_address_refused_by_a_policy_or_for_now_is_tried_again(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer, reply: str
) -> None:
    mail_server.replies["ada@shop.test"] = [reply, reply, "250 OK"]
    async with _running(_sender(mails, users, mail_server)):
        await _put(mails, "ada")
        await _until_ended(mails, "ada")

    assert (await mails.documents.find_one({"_id": "ada"}) or {})["attempts"] == 2


async def test_an_address_that_hangs_holds_up_no_other(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    mail_server.replies["slow@shop.test"] = ["hang"]
    names = [f"user-{number}" for number in range(20)]
    sender = _sender(mails, users, mail_server)
    task = asyncio.create_task(sender.run())
    await _put(mails, "slow")
    for name in names:
        await _put(mails, name)

    await _until_ended(mails, *names)
    task.cancel()
    await mail_server.stop()
    await sender.drained()


async def test_a_mail_that_is_refused_for_days_is_given_up(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer, clock: Clock
) -> None:
    mail_server.replies["ada@shop.test"] = ["450 busy"]
    await _put(mails, "ada")
    clock.now += PATIENCE + timedelta(seconds=1)
    async with _running(_sender(mails, users, mail_server)):
        await _until_ended(mails, "ada", how=Ended.GIVEN_UP)


async def test_a_mail_to_no_address_is_given_up_and_holds_up_no_other(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    async with _running(_sender(mails, users, mail_server)):
        await mails.put("bad", RESET, user_id="u", to="a@b.test\r\nRCPT TO:<eve@b.test>", language="en")
        await _put(mails, "ada")
        await _until_ended(mails, "bad", how=Ended.GIVEN_UP)
        await _until_ended(mails, "ada")

    assert mail_server.times_received == {"ada@shop.test": 1}


async def test_a_mail_that_this_version_cannot_read_holds_up_no_other_and_stays(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    await _put(mails, "strange")
    await mails.documents.update_one({"_id": "strange"}, {"$set": {"data": {}}})
    await _put(mails, "ada")
    async with _running(_sender(mails, users, mail_server, lanes=1)):
        await _until_ended(mails, "ada")
        await _put(mails, "bob")
        await _until_ended(mails, "bob")

    assert (await mails.waiting())[0] == 1


async def test_a_mail_whose_answer_is_lost_is_sent_again_with_the_same_message_id(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    mail_server.lost = True
    async with _running(_sender(mails, users, mail_server)):
        await _put(mails, "ada")
        await _until_ended(mails, "ada")

    first, second = (message for _, message in mail_server.received)
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()


async def test_the_end_of_the_process_waits_for_the_mail_in_delivery(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    sender = _sender(mails, users, mail_server, lanes=1)
    await _put(mails, "ada")
    task = asyncio.create_task(sender.run())
    async with asyncio.timeout(10):
        while not mail_server.connections:
            await asyncio.sleep(0)
    task.cancel()
    await sender.drained()

    assert await mails.waiting() == (0, None)
    assert mail_server.times_received == {"ada@shop.test": 1}


async def test_an_address_beyond_ascii_is_reached(
    mails: Mails, users: UserRepository, mail_server: FakeMailServer
) -> None:
    async with _running(_sender(mails, users, mail_server)):
        await mails.put("a", RESET, user_id="u", to="阿达@bücher.test", language="zh")
        await _until_ended(mails, "a")

    assert mail_server.times_received == {"阿达@xn--bcher-kva.test": 1}


def test_pauses_grow_to_minutes() -> None:
    assert [pause(n).total_seconds() for n in (0, 1, 2, 3)] == [5, 15, 45, 135]
    assert pause(10_000) == LONGEST_PAUSE
    assert 0.5 <= away_seconds(0) <= 1
    assert 30 <= away_seconds(10_000) <= 60
