"""Requests for a reset, and the reset of a password, without an app."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import pytest
from tests.accounts import (
    ADA,
    BOB,
    HOME,
    NEW_PASSWORD,
    NOON,
    Ender,
    Turns,
    mails,
    reload,
)

from auth import recovery, reset_requests
from auth.context import AccountContext
from auth.domain import Source, User
from auth.errors import LinkInvalid
from auth.failed_sign_ins import Attempt
from auth.hash_queue import Purpose
from auth.links import LIFETIMES, LinkKind
from auth.reset_requests import LEASE, ResetRequest
from common.base import jobs
from common.base.errors import Invalid, TooManyTries
from common.persistence.mongo import Database
from common.testing.clock import Clock

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.usefixtures("noon")


async def test_a_request_for_a_reset_is_worked_off_with_one_mail(
    context: AccountContext, ada: User, database: Database
) -> None:
    for _ in range(2):
        await recovery.request_reset(context, ADA, HOME)

    with pytest.raises(TooManyTries):
        await recovery.request_reset(context, ADA, HOME)
    assert await recovery.work_off_one(context)
    assert not await recovery.work_off_one(context)
    (mail,) = await mails(database)
    assert (mail["kind"], mail["to"], mail["user_id"]) == ("reset", ADA.address, ada.id)
    assert await database["reset_requests"].find({}) == []


async def test_a_request_for_an_address_without_an_account_is_worked_off_without_a_mail(
    context: AccountContext, database: Database
) -> None:
    await recovery.request_reset(context, BOB, HOME)

    assert await recovery.work_off_one(context)
    assert await mails(database) == []
    assert await database["reset_requests"].find({}) == []


async def test_all_requests_that_are_due_are_worked_off_before_a_pause(
    context: AccountContext, ada: User, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for email in (ADA, BOB):
        await recovery.request_reset(context, email, HOME)
    successes, pauses = list[str](), list[float]()

    async def stop(seconds: float) -> None:
        pauses.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(jobs, "succeeded", successes.append)
    monkeypatch.setattr(asyncio, "sleep", stop)
    with pytest.raises(asyncio.CancelledError):
        await recovery.work_off(context)

    assert await database["reset_requests"].find({}) == []
    assert (successes, pauses) == (["reset_requests"], [recovery.IDLE_SECONDS])
    assert [mail["user_id"] for mail in await mails(database)] == [ada.id]


async def test_a_request_is_due_after_a_random_moment_and_leased_to_one_process(
    context: AccountContext, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = context.repositories.reset_requests
    bounds: list[int] = []

    def draw(bound: int) -> int:
        bounds.append(bound)
        return 500

    monkeypatch.setattr(reset_requests, "MOST_DELAY", timedelta(seconds=3))
    monkeypatch.setattr("secrets.randbelow", draw)
    await requests.put(ADA)

    (stored,) = await database["reset_requests"].find({})
    assert stored == {
        "_id": ADA.key,
        "email": ADA.address,
        "due": NOON + 1.5 * SECOND,
        "expires_at": NOON + LIFETIMES[LinkKind.RESET],
    }
    assert bounds == [1001]
    clock.now = NOON + 1.4 * SECOND
    assert await requests.lease() is None
    clock.now = NOON + 1.5 * SECOND
    assert await requests.lease() == ResetRequest(ADA, clock.now + LEASE)
    assert await requests.lease() is None
    clock.now += LEASE
    assert await requests.lease() == ResetRequest(ADA, clock.now + LEASE)


async def test_a_newer_request_outlives_the_end_of_an_older_one(
    context: AccountContext, clock: Clock
) -> None:
    requests = context.repositories.reset_requests
    await requests.put(ADA)
    await requests.put(BOB)
    first = await requests.lease()
    assert first is not None
    clock.now += SECOND
    await requests.put(first.email)

    await requests.done(first)

    left = {request.email for request in (await requests.lease(), await requests.lease()) if request}
    assert left == {ADA, BOB}


async def a_reset(context: AccountContext, user: User) -> str:
    return (await context.repositories.links.issue(LinkKind.RESET, user, user.email)).token


async def test_a_reset_sets_the_password_ends_all_sessions_and_spends_the_link(
    context: AccountContext, ada: User, database: Database, ender: Ender, hasher: Mock
) -> None:
    attempt = Attempt.of(ADA, Source(HOME))
    for _ in range(2):
        await context.repositories.failures.add(attempt)
    token = await a_reset(context, ada)

    changed = await recovery.reset(context, token, NEW_PASSWORD, Source(HOME))

    assert changed == await reload(context, ada)
    assert (changed.confirmed, changed.generation) == (True, 1)
    assert hasher.verify(changed.password_hash, NEW_PASSWORD)
    assert ender.ended == [(ada.id, None)]
    (mail,) = await mails(database)
    assert (mail["kind"], mail["to"]) == ("password-changed", ADA.address)
    await context.repositories.failures.refuse_guessing(attempt)
    with pytest.raises(LinkInvalid):
        await recovery.reset(context, token, NEW_PASSWORD, Source(HOME))


async def test_a_password_like_the_email_is_refused_and_leaves_the_link(
    context: AccountContext, ada: User
) -> None:
    token = await a_reset(context, ada)

    with pytest.raises(Invalid):
        await recovery.reset(context, token, ADA.address, Source(HOME))
    await recovery.reset(context, token, NEW_PASSWORD, Source(HOME))


async def test_a_link_from_before_a_change_of_the_password_resets_nothing(
    context: AccountContext, ada: User, ender: Ender
) -> None:
    late = await context.repositories.links.issue(LinkKind.RESET, replace(ada, generation=1), ADA)
    gone = await context.repositories.links.issue(LinkKind.RESET, User.register(BOB, "x"), BOB)

    for issued in (late, gone):
        with pytest.raises(LinkInvalid):
            await recovery.reset(context, issued.token, NEW_PASSWORD, Source(HOME))
    assert ender.ended == []


async def test_a_reset_waits_for_its_turn_under_the_address_that_asks(
    context: AccountContext, ada: User, turns: Turns
) -> None:
    await recovery.reset(context, await a_reset(context, ada), NEW_PASSWORD, Source(HOME))

    assert turns.taken == [(Purpose.SIGN_UP, HOME)]
