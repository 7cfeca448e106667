"""`python -m auth restored`: a backup brings deleted accounts back, and the stream says which."""

import pytest

from auth.changes import Change, ChangeKind
from auth.deletions import Deletions, address_of
from auth.domain import Email, User
from auth.publishers import publishers
from auth.repository import Repositories
from auth.restored import restored
from auth.settings import Settings
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.own_events import BehindOwnEvents, OwnEvents
from common.testing.fake_stream import FakeStream


@pytest.fixture
def deletions(database: Database, stream: FakeStream) -> Deletions:
    return Deletions(database, publishers(stream))


@pytest.fixture
async def users(database: Database, settings: Settings) -> Repositories:
    repositories = Repositories.over(database, settings.limits)
    await repositories.users.prepare()
    return repositories


def own_events(stream: Stream, deletions: Deletions) -> OwnEvents:
    return OwnEvents(stream, deletions, "user.>")


async def delete(deletions: Deletions, user: User) -> None:
    assert await deletions.delete(user, Change.now(ChangeKind.DELETED, user.email.address))
    await deletions.relay.drained()


async def test_accounts_that_were_deleted_since_the_backup_are_deleted_again(
    database: Database, stream: FakeStream, users: Repositories, deletions: Deletions
) -> None:
    ada, bob = (User.register(Email.parse(f"{name}@shop.test"), "hash") for name in ("ada", "bob"))
    for user in (ada, bob):
        await users.users.add(user)
    backup = await database["users"].find({}, sort=[("_id", 1)])
    younger = User.register(Email.parse("younger@shop.test"), "hash")
    await users.users.add(younger)
    for user in (ada, younger):
        await delete(deletions, user)
    await database["users"].delete_many({})
    await database["users"].insert_many(backup)
    with pytest.raises(BehindOwnEvents):
        await own_events(stream, deletions).prepare()

    summary = await restored(stream, database)

    assert "2 accounts again" in summary
    await own_events(stream, deletions).prepare()
    for user in (ada, younger):
        assert await users.users.of_id(user.id) is None
        assert await users.users.of_email(user.email) is None
        document = await database["users"].find_one({"_id": user.id})
        assert document is not None
        assert (document["email"], document["version"]) == (address_of(user.id), 1)
        assert [change["to"] for change in document["changes"]] == [""]
    assert await users.users.of_id(bob.id) == bob
    assert len(stream.of("user.deleted")) == 2

    assert "0 accounts again" in await restored(stream, database)


async def test_an_account_that_signed_up_again_with_the_address_stays(
    database: Database, stream: FakeStream, users: Repositories, deletions: Deletions
) -> None:
    former, present = (User.register(Email.parse("ada@shop.test"), "hash") for _ in range(2))
    await users.users.add(former)
    await delete(deletions, former)
    await users.users.add(present)

    await restored(stream, database)

    assert await users.users.of_email(present.email) == present
