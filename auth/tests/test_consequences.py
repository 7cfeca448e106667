"""What follows a change of an account, at once or by the sweep."""

import asyncio
from datetime import timedelta

import pytest
from tests.accounts import (
    ADA,
    KINDS,
    NOON,
    Ender,
    mails,
)

from auth import consequences
from auth.changes import Change, ChangeKind
from auth.consequences import follow_up
from auth.context import AccountContext
from auth.domain import User
from auth.errors import LinkInvalid
from auth.links import LinkKind
from common.base import jobs
from common.persistence.mongo import Database
from common.testing.clock import Clock

pytestmark = pytest.mark.usefixtures("noon")


@pytest.mark.parametrize(
    ("kind", "name", "ends_sessions", "ends_links"),
    [
        (ChangeKind.PASSWORD, None, True, True),
        (ChangeKind.ADDRESS, None, False, True),
        (ChangeKind.PASSKEY_ADDED, "Phone", False, False),
        (ChangeKind.PASSKEY_REMOVED, "Phone", False, False),
    ],
)
async def test_each_change_has_its_consequences_and_one_mail(
    context: AccountContext,
    ada: User,
    database: Database,
    ender: Ender,
    kind: ChangeKind,
    name: str | None,
    ends_sessions: bool,
    ends_links: bool,
) -> None:
    issued = await context.repositories.links.issue(LinkKind.CONFIRM, ada, ADA)
    change = Change.now(kind, "old@example.test", but="session", name=name or "")
    for _ in range(2):
        await follow_up(context, ada, change)

    assert ender.ended == ([(ada.id, "session")] * 2 if ends_sessions else [])
    (mail,) = await mails(database)
    mail_kind = f"{kind.value}-changed" if ends_links else kind.value
    assert mail["_id"] == f"{mail_kind}:{change.id}"
    assert (mail["kind"], mail["user_id"], mail["to"]) == (mail_kind, ada.id, "old@example.test")
    assert mail["language"] == "zh"
    expected = {"path": "/auth/forgot", "at": NOON} | ({"name": name} if name else {})
    assert mail["data"] == expected
    try:
        await context.repositories.links.of_token(issued.token, *KINDS)
    except LinkInvalid:
        assert ends_links
    else:
        assert not ends_links


async def test_changes_that_a_process_left_are_followed_up_by_the_sweep(
    context: AccountContext,
    ada: User,
    database: Database,
    clock: Clock,
    ender: Ender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change = Change.now(ChangeKind.PASSWORD, ADA.address)
    await context.repositories.users.change_password(ada, "another hash", change)
    clock.now += timedelta(minutes=1)
    successes, pauses = list[str](), list[float]()

    async def stop(seconds: float) -> None:
        pauses.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(jobs, "succeeded", successes.append)
    monkeypatch.setattr(asyncio, "sleep", stop)
    with pytest.raises(asyncio.CancelledError):
        await consequences.sweep(context)

    assert ender.ended == [(ada.id, None)]
    assert [mail["kind"] for mail in await mails(database)] == ["password-changed"]
    assert list(await context.repositories.users.unfinished()) == []
    assert (successes, pauses) == (["account_changes"], [consequences.SWEEP_SECONDS])
