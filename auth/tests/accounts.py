"""An account without an app: its context over a database in memory, and the mails that wait there."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import pytest

from auth.context import AccountContext
from auth.deletions import Deletions
from auth.domain import Email, Limits, User
from auth.hash_queue import HashQueue, Purpose
from auth.links import LinkKind
from auth.passkeys.challenges import Challenges
from auth.passkeys.relying_party import RelyingParty
from auth.passwords import Passwords
from auth.publishers import publishers
from auth.repository import Repositories
from common.persistence.mongo import Database
from common.testing.clock import Clock
from common.testing.fake_stream import FakeStream

NOON = datetime(2087, 5, 1, 12, tzinfo=UTC)
"""In the future: the database in memory forgets what expired before the real time."""
ADA, NEW, BOB = (Email.parse(f"{name}@example.test") for name in ("ada", "ada.new", "bob"))
HOME, AWAY = "192.0.2.1", "203.0.113.9"
OLD_PASSWORD, NEW_PASSWORD = "correct horse", "battery staple"
KINDS = list(LinkKind)
PATHS = {"confirm": "/auth/confirm", "reset": "/auth/reset", "address-change": "/auth/confirm"}


@dataclass
class Ender:
    """Sessions that were ended: of which user, and which one went on; users whose devices were forgotten."""

    ended: list[tuple[str, str | None]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def end_sessions(self, user_id: str, but: str | None = None) -> None:
        self.ended.append((user_id, but))

    async def forget_origins(self, user_id: str) -> None:
        self.forgotten.append(user_id)


@pytest.fixture
def noon(clock: Clock) -> Clock:
    clock.now = NOON
    return clock


@pytest.fixture
def ender() -> Ender:
    return Ender()


@pytest.fixture
async def context(database: Database, hasher: Mock, ender: Ender) -> AccountContext:
    repositories = Repositories.over(database, Limits(2, 0, 9, 0, 2, 0, 0))
    for each in repositories.all:
        await each.prepare()
    party, challenges = RelyingParty.of("https://shop.test"), Challenges.derived_from("x" * 32)
    deletions = Deletions(database, publishers(FakeStream()))
    return AccountContext(repositories, HashQueue(Passwords(hasher)), ender, party, challenges, deletions)


@pytest.fixture
async def ada(context: AccountContext, hasher: Mock) -> User:
    user = User.register(ADA, hasher.hash(OLD_PASSWORD), "zh")
    await context.repositories.users.add(user)
    return user


async def reload(context: AccountContext, user: User) -> User:
    found = await context.repositories.users.of_id(user.id)
    assert found is not None
    return found


async def mails(database: Database) -> list[dict[str, Any]]:
    return await database["mails"].find({})


async def token_of(database: Database, kind: str) -> str:
    """Of the latest mail with a link of this kind."""
    *_, mail = [mail for mail in await mails(database) if mail["kind"] == kind]
    path, _, token = mail["data"]["path"].partition("?token=")
    assert path == PATHS[kind]
    return str(token)


@dataclass
class Turns:
    """Turns at hashing that were taken: for which purpose, and under which address."""

    taken: list[tuple[Purpose, str]] = field(default_factory=list)


@pytest.fixture
def turns(context: AccountContext, monkeypatch: pytest.MonkeyPatch) -> Turns:
    turns, turn = Turns(), context.hashing.turn

    def noted(purpose: Purpose, address: str) -> AbstractAsyncContextManager[Passwords]:
        turns.taken.append((purpose, address))
        return turn(purpose, address)

    monkeypatch.setattr(context.hashing, "turn", noted)
    return turns
