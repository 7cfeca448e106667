"""Query plans of the auth database, over 100,000 documents of each kind: every query reads by an index."""

from datetime import timedelta

import pytest

from auth.domain import Email, User
from auth.repository import Attempt, Repositories
from common.base import times
from common.base.ids import new_id
from common.persistence.mongo import Database
from common.testing.plans import faults_of, fill, missing

pytestmark = pytest.mark.connected

COUNT = 100_000


async def test_every_query_reads_by_an_index(real_database: Database) -> None:
    repositories = Repositories.over(real_database)
    users, failures = repositories.users, repositories.failures
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
    await fill(failures.documents, ({"_id": f"{n}", "at": [at], "expires_at": soon} for n in range(COUNT)))
    email = Email.parse("777@shop.test")
    user = User.register(Email.parse("new@shop.test"), "hash")
    await users.add(user)
    attempt = Attempt.of(email, "192.0.2.1")
    await failures.add(attempt)

    queries = {
        "users.of_email": lambda: users.of_email(email),
        "users.replace_hash": lambda: users.replace_hash(user, "another"),
        "failures.wait": lambda: failures.wait(attempt),
        "failures.add": lambda: failures.add(attempt),
        "failures.forget": lambda: failures.forget(attempt),
    }

    # `add` only inserts, so it needs no index for a search.
    assert missing(queries, users=users, failures=failures) == {"users.add"}
    assert await faults_of(real_database, queries) == []
