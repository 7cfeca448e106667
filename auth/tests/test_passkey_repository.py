"""Stored passkeys. One suite for the database in memory and the real one, which alone shows races."""

import asyncio

import pytest

from auth.changes import Change, ChangeKind
from auth.domain import Email, User
from auth.passkeys.errors import PasskeyKnown, PasskeyLate, TooManyPasskeys
from auth.passkeys.repository import new_passkey
from auth.repository import Repositories
from auth.settings import Settings
from common.base import times
from common.base.errors import Conflict
from common.persistence.mongo import Database

ADA = User.register(Email.parse("ada@example.test"), "hash")


@pytest.fixture
async def repositories(any_database: Database, settings: Settings) -> Repositories:
    repositories = Repositories.over(any_database, settings.limits)
    for store in repositories.all:
        await store.prepare()
    await repositories.users.add(ADA)
    return repositories


def change() -> Change:
    return Change.now(ChangeKind.PASSKEY_ADDED, ADA.email.address, name="Phone")


async def test_of_any_number_at_once_ten_are_added(repositories: Repositories) -> None:
    passkeys = [new_passkey("Phone", f"credential-{n}", "key", 0) for n in range(30)]

    added = await asyncio.gather(
        *(repositories.passkeys.add(ADA, each, change()) for each in passkeys), return_exceptions=True
    )

    assert added.count(None) == 10
    assert [each for each in added if not isinstance(each, TooManyPasskeys)] == [None] * 10
    assert len(await repositories.passkeys.of_user(ADA.id)) == 10


async def test_one_credential_is_added_once(repositories: Repositories) -> None:
    added = await asyncio.gather(
        *(repositories.passkeys.add(ADA, new_passkey("Phone", "one", "key", 0), change()) for _ in range(5)),
        return_exceptions=True,
    )

    assert added.count(None) == 1
    assert sum(isinstance(each, PasskeyKnown) for each in added) == 4


async def test_none_is_added_after_the_password_was_changed(repositories: Repositories) -> None:
    await repositories.users.change_password(ADA, "another hash", change())

    with pytest.raises(Conflict):
        await repositories.passkeys.add(ADA, new_passkey("Phone", "one", "key", 0), change())


async def test_of_two_uses_at_one_count_one_succeeds(repositories: Repositories) -> None:
    passkey = new_passkey("Phone", "one", "key", 3)
    await repositories.passkeys.add(ADA, passkey, change())

    used = await asyncio.gather(*(repositories.passkeys.use(ADA.id, passkey, 4) for _ in range(5)))

    assert sorted(used) == [False] * 4 + [True]
    (stored,) = await repositories.passkeys.of_user(ADA.id)
    assert stored.sign_count == 4


async def test_a_removed_passkey_is_used_no_more(repositories: Repositories) -> None:
    passkey = new_passkey("Phone", "one", "key", 0)
    await repositories.passkeys.add(ADA, passkey, change())

    removed = await asyncio.gather(
        *(repositories.passkeys.remove(ADA.id, passkey.id, change()) for _ in range(3))
    )

    assert sorted(removed) == [False, False, True]
    assert not await repositories.passkeys.use(ADA.id, passkey, 0)


async def test_a_user_has_one_handle_however_many_ask_at_once(repositories: Repositories) -> None:
    holders = await asyncio.gather(*(repositories.passkeys.holder(ADA.id) for _ in range(10)))

    assert len({each.handle for each in holders if each is not None}) == 1


async def test_a_challenge_is_spent_once(repositories: Repositories) -> None:
    ends = times.now()

    spent = await asyncio.gather(
        *(repositories.spent_challenges.spend(b"challenge", ends) for _ in range(10)), return_exceptions=True
    )

    assert spent.count(None) == 1
    assert sum(isinstance(each, PasskeyLate) for each in spent) == 9
