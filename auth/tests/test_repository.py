"""One suite for the database in memory and the real one. Only the real one shows races."""

import asyncio
from unittest.mock import Mock

import pytest
from fastapi import FastAPI

from auth.app import create_app
from auth.domain import Email, Source, User
from auth.errors import EmailInUse
from auth.failed_sign_ins import Attempt
from auth.repository import Repositories
from auth.settings import Settings
from common.base.errors import TooManyTries
from common.persistence.mongo import Database
from common.testing.browser import running
from common.testing.fake_stream import FakeStream

ADA = Email.parse("Ada@example.test")


@pytest.fixture
def real_app(settings: Settings, real_database: Database, hasher: Mock) -> FastAPI:
    return create_app(settings, stream=FakeStream(), database=real_database, hasher=hasher)


@pytest.fixture
async def repositories(any_database: Database, settings: Settings) -> Repositories:
    repositories = Repositories.over(any_database, settings.limits)
    for store in repositories.all:
        await store.prepare()
    return repositories


async def test_a_user_is_found_by_any_case_of_the_email(repositories: Repositories) -> None:
    user = User.register(ADA, "hash")
    await repositories.users.add(user)

    assert await repositories.users.of_email(Email.parse("ADA@EXAMPLE.TEST")) == user
    assert await repositories.users.of_email(Email.parse("bob@example.test")) is None


async def test_an_email_has_one_user(repositories: Repositories) -> None:
    await repositories.users.add(User.register(ADA, "hash"))

    with pytest.raises(EmailInUse):
        await repositories.users.add(User.register(Email.parse("ada@example.test"), "hash"))


async def test_a_hash_is_replaced_only_while_it_is_the_one_that_was_read(repositories: Repositories) -> None:
    user = User.register(ADA, "old")
    await repositories.users.add(user)
    await repositories.users.replace_hash(user, "new")
    await repositories.users.replace_hash(user, "late")

    stored = await repositories.users.of_email(ADA)
    assert stored is not None
    assert stored.password_hash == "new"


async def test_failures_count_for_their_address_until_forgotten(repositories: Repositories) -> None:
    failures = repositories.failures
    attempt, elsewhere = Attempt.of(ADA, Source("192.0.2.1")), Attempt.of(ADA, Source("192.0.2.2"))
    for _ in range(10):
        await failures.refuse_guessing(attempt)
        await failures.add(attempt)

    with pytest.raises(TooManyTries):
        await failures.refuse_guessing(attempt)
    await failures.refuse_guessing(elsewhere)
    await failures.forget(attempt)
    await failures.refuse_guessing(attempt)


async def test_a_known_device_is_counted_apart_from_its_account(repositories: Repositories) -> None:
    failures = repositories.failures
    stranger, known = Attempt.of(ADA, Source("192.0.2.1")), Attempt.of(ADA, Source("192.0.2.1", "nonce"))
    for _ in range(10):
        await failures.add(stranger)
    await failures.refuse_guessing(known)
    for _ in range(10):
        await failures.add(known)

    with pytest.raises(TooManyTries):
        await failures.refuse_guessing(known)
    await failures.forget(known)
    await failures.refuse_guessing(known)
    with pytest.raises(TooManyTries):
        await failures.refuse_guessing(stranger)


async def test_stored_failures_are_bounded(repositories: Repositories, any_database: Database) -> None:
    attempt = Attempt.of(ADA, Source("192.0.2.1"))
    for _ in range(105):
        await repositories.failures.add(attempt)

    kept = await any_database["failed_sign_ins"].find({})
    assert sorted(len(document["at"]) for document in kept) == [10, 30, 100]


@pytest.mark.connected
async def test_failures_at_the_same_moment_all_count(real_database: Database, settings: Settings) -> None:
    attempt = Attempt.of(ADA, Source("192.0.2.1"))
    failures = Repositories.over(real_database, settings.limits).failures
    await asyncio.gather(*(failures.add(attempt) for _ in range(40)))

    kept = await real_database["failed_sign_ins"].find({})
    assert sorted(len(document["at"]) for document in kept) == [10, 30, 40]


@pytest.mark.connected
async def test_of_twenty_sign_ups_of_one_email_at_once_one_wins(
    real_app: FastAPI, real_database: Database
) -> None:
    spellings = [
        f"{'ada'[:n].upper()}{'ada'[n:]}@{domain}" for n in range(4) for domain in ("x.test", "X.test")
    ]
    async with running(real_app) as client:
        answers = await asyncio.gather(
            *(
                client.post(
                    "/api/users/signup", json={"email": spellings[n % 8], "password": f"password {n}"}
                )
                for n in range(20)
            )
        )
        stored = await real_database["users"].count_documents({})

    refused = [answer for answer in answers if answer.status_code == 400]
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len(refused) == 19
    assert all(answer.json()["errors"][0]["message"] == "Email in use" for answer in refused)
    assert stored == 1


@pytest.mark.connected
async def test_a_sign_up_and_its_sign_in_on_the_real_database(real_app: FastAPI) -> None:
    body = {"email": "ada@example.test", "password": "correct horse"}
    async with running(real_app) as client:
        signed_up = await client.post("/api/users/signup", json=body)
        signed_in = await client.post("/api/users/signin", json=body)
        guesses = [
            (await client.post("/api/users/signin", json=body | {"password": "wrong"})).status_code
            for _ in range(12)
        ]

    assert signed_in.json() == signed_up.json()
    assert guesses == [400] * 10 + [429] * 2
