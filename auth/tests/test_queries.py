"""Query plans of the auth database, over 100,000 documents of each kind: every query reads by an index."""

from datetime import timedelta

import pytest

from auth.domain import Email, Source, User
from auth.failed_sign_ins import Attempt
from auth.mail.kinds import Confirm
from auth.mail.mails import Ended, Mails
from auth.repository import Repositories
from auth.settings import Settings
from common.base import times
from common.base.creation import Creation
from common.base.ids import new_id
from common.persistence.mongo import Database
from common.testing.plans import faults_of, fill, missing

pytestmark = pytest.mark.connected

COUNT = 100_000


async def put_mail(mails: Mails, mail_id: str) -> None:
    await mails.put(mail_id, Confirm(path="/"), user_id="u", to="a@shop.test", language="en")


async def test_every_query_reads_by_an_index(settings: Settings, real_database: Database) -> None:
    repositories = Repositories.over(real_database, settings.limits)
    users, failures, sign_ups = repositories.users, repositories.failures, repositories.sign_ups
    mails = repositories.mails
    for each in repositories.all:
        await each.prepare()
    at = times.now()
    await fill(
        users.documents,
        (
            {"_id": new_id(), "email": f"{n}@shop.test", "email_key": f"{n}@shop.test", "password_hash": "x"}
            for n in range(COUNT)
        ),
    )
    soon = at + timedelta(minutes=10)
    for name in ("failed_sign_ins", "sign_ups"):
        windows = ({"_id": f"{n}", "at": [at], "expires_at": soon} for n in range(COUNT))
        await fill(real_database[name], windows)
    ended = ({"_id": f"{n}", "ended": "sent", "expires_at": at + timedelta(days=30)} for n in range(COUNT))
    await fill(mails.documents, ended)
    for mail_id in ("first", "second"):
        await put_mail(mails, mail_id)
    leased = await mails.lease("first")
    assert leased is not None
    email = Email.parse("777@shop.test")
    user = User.register(Email.parse("new@shop.test"), "hash")
    await users.add(user)
    attempt = Attempt.of(email, Source("192.0.2.1", "nonce"))
    await failures.add(attempt)

    queries = {
        "users.of_email": lambda: users.of_email(email),
        "users.of_id": lambda: users.of_id(user.id),
        "users.replace_hash": lambda: users.replace_hash(user, "another"),
        "users.is_sent_again": lambda: users.is_sent_again(Creation("key", "fingerprint", "/")),
        "users.note_bounce": lambda: users.note_bounce(user.id, "new@shop.test"),
        "users.note_delivery": lambda: users.note_delivery(user.id, "new@shop.test"),
        "mails.due": mails.due,
        "mails.waiting": mails.waiting,
        "mails.lease": lambda: mails.lease("second"),
        "mails.postpone": lambda: mails.postpone(leased, timedelta(hours=1), refused=True),
        "mails.end": lambda: mails.end(leased, Ended.SENT),
        "failures.refuse_guessing": lambda: failures.refuse_guessing(attempt),
        "failures.add": lambda: failures.add(attempt),
        "failures.forget": lambda: failures.forget(attempt),
        "sign_ups.take": lambda: sign_ups.take("192.0.2.1"),
        "sign_ups.give_back": lambda: sign_ups.give_back("192.0.2.1"),
    }

    # These only insert, so they need no index for a search.
    left_out = missing(queries, users=users, failures=failures, sign_ups=sign_ups, mails=mails)
    assert left_out == {"users.add", "mails.put"}
    assert await faults_of(real_database, queries) == []
