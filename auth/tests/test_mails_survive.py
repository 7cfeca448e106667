"""Two hundred mails, while the mail server is away and processes are killed."""

import asyncio
import sys
from collections import Counter

import pytest
from tests.mail_server import FakeMailServer

from auth.mail.kinds import Reset
from auth.mail.mails import Mails
from common.base import times
from common.persistence.mongo import Database
from common.testing.servers import server

RESET = Reset(path="/auth/reset?token=secret")
PROCESS = """
import asyncio, sys
from datetime import timedelta
from auth.mail import mails, sender
from auth.mail.letters import Letters
from auth.mail.postman import Postman
from auth.mail.server import MailServer
from auth.mail.unsubscribing import Unsubscribing
from auth.repository import UserRepository
from common.persistence.mongo import connect

mails.LEASE = timedelta(seconds=2)
sender.POLL_SECONDS = sender.LONGEST_AWAY_SECONDS = 0.2
uri, name, port = sys.argv[1:]

async def main():
    database = connect(uri, name)
    postmen = [Postman(MailServer.parse(f"smtp://127.0.0.1:{port}")) for _ in range(4)]
    letters = Letters("mail@shop.test", "https://shop.test", Unsubscribing.derived_from("a secret"))
    await sender.Sender(mails.Mails(database), UserRepository(database), letters, postmen).run()

asyncio.run(main())
"""


@pytest.mark.connected
async def test_two_hundred_mails_survive_an_absent_server_and_two_killed_processes(
    real_database: Database, mail_server: FakeMailServer
) -> None:
    """Each kill comes between a message that the server took and its mark in the outbox."""
    mails = Mails(real_database)
    await mails.prepare()
    mail_server.replies["user-7@shop.test"] = ["550 5.1.1 no such user"]
    await mail_server.stop()
    names = [f"user-{number}" for number in range(200)]
    arguments = [server("TEST_MONGO_URI"), real_database.name, str(mail_server.port)]

    async def process() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, *arguments)

    running = [await process()]
    for name in names:
        await mails.put(name, RESET, user_id="u", to=f"{name}@shop.test", language="en")
    await asyncio.sleep(1)
    assert await mails.waiting() != (0, None)
    began = times.now()
    await mail_server.start()
    try:
        for killed in range(2):
            mail_server.kill_at = (len(mail_server.received) + 50, running[-1].pid)
            await running[-1].wait()
            assert len(mail_server.received) >= 50 * (killed + 1)
            running.append(await process())
        async with asyncio.timeout(30):
            while await mails.waiting() != (0, None):
                await asyncio.sleep(0.01)
    finally:
        running[-1].kill()
        await running[-1].wait()

    (bounced,) = await mails.documents.find({"ended": {"$ne": "sent"}})
    assert (bounced["_id"], bounced["ended"]) == ("user-7", "bounced")
    ids = Counter(message["Message-ID"] for _, message in mail_server.received)
    assert len(ids) == 199
    assert set(mail_server.times_received) == {f"{name}@shop.test" for name in names} - {"user-7@shop.test"}
    took = (times.now() - began).total_seconds()
    sys.stdout.write(f"199 mails after {took:.1f} s, in {ids.total()} deliveries\n")
    assert ids.total() > 199
