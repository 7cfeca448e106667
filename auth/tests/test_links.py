"""One-time links: how long they work, which they replace, and the mails that have them."""

from datetime import timedelta

import pytest
from tests.accounts import (
    ADA,
    BOB,
    KINDS,
    NEW,
    NOON,
    mails,
    token_of,
)

from auth.context import AccountContext
from auth.domain import Email, User
from auth.errors import LinkInvalid
from auth.link_mails import mail_link
from auth.links import LIFETIMES, Link, LinkKind
from common.persistence.mongo import Database
from common.testing.clock import Clock

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.usefixtures("noon")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_works_until_its_time_is_over(
    context: AccountContext, ada: User, clock: Clock, kind: LinkKind
) -> None:
    links = context.repositories.links
    issued = await links.issue(kind, ada, NEW)

    assert issued.ends == NOON + LIFETIMES[kind]
    clock.now = issued.ends - SECOND
    link = await links.of_token(issued.token, *KINDS)
    assert link == Link(kind, ada.id, NEW, 0, link.hash)
    clock.now = issued.ends
    with pytest.raises(LinkInvalid):
        await links.of_token(issued.token, *KINDS)


async def test_a_link_of_another_kind_is_none(context: AccountContext, ada: User) -> None:
    links = context.repositories.links
    issued = await links.issue(LinkKind.RESET, ada, ADA)

    for token, kinds in ((issued.token, (LinkKind.CONFIRM, LinkKind.ADDRESS_CHANGE)), ("\udcff", KINDS)):
        with pytest.raises(LinkInvalid):
            await links.of_token(token, *kinds)


async def test_a_newer_link_of_the_kind_replaces_the_older_one_of_the_user_alone(
    context: AccountContext, ada: User
) -> None:
    links = context.repositories.links
    bob = User.register(BOB, "x")
    old = await links.issue(LinkKind.RESET, ada, ADA)
    others = [await links.issue(LinkKind.CONFIRM, ada, ADA), await links.issue(LinkKind.RESET, bob, BOB)]
    held = await links.of_token(old.token, LinkKind.RESET)
    new = await links.issue(LinkKind.RESET, ada, ADA)

    assert len({new.id, old.id, new.token, old.token}) == 4
    assert new.id.startswith("reset:")
    assert new.token not in new.id
    with pytest.raises(LinkInvalid):
        await links.of_token(old.token, LinkKind.RESET)
    with pytest.raises(LinkInvalid):
        await links.spend(held)
    for issued in (new, *others):
        await links.spend(await links.of_token(issued.token, *KINDS))
    with pytest.raises(LinkInvalid):
        await links.of_token(new.token, *KINDS)


async def test_revoking_ends_the_links_of_these_kinds(context: AccountContext, ada: User) -> None:
    links = context.repositories.links
    issued = {kind: await links.issue(kind, ada, ADA) for kind in KINDS}

    await links.revoke(ada.id, LinkKind.RESET, LinkKind.CONFIRM)

    for kind in (LinkKind.RESET, LinkKind.CONFIRM):
        with pytest.raises(LinkInvalid):
            await links.of_token(issued[kind].token, *KINDS)
    assert (await links.of_token(issued[LinkKind.ADDRESS_CHANGE].token, *KINDS)).user_id == ada.id


async def test_a_token_is_stored_as_its_hash_alone(
    context: AccountContext, ada: User, database: Database
) -> None:
    issued = await context.repositories.links.issue(LinkKind.RESET, ada, ADA)

    (stored,) = await database["links"].find({})
    assert stored["_id"] == f"reset:{ada.id}"
    assert issued.token not in str(stored)
    assert len(stored["hash"]) == 64
    assert issued.id == f"reset:{stored['hash'][:32]}"
    assert len(issued.token) == 43


@pytest.mark.parametrize(
    ("kind", "email", "generation", "is_for"),
    [
        (LinkKind.RESET, ADA, 3, True),
        (LinkKind.RESET, ADA, 2, False),
        (LinkKind.RESET, NEW, 3, False),
        (LinkKind.CONFIRM, NEW, 3, False),
        (LinkKind.ADDRESS_CHANGE, NEW, 3, True),
        (LinkKind.ADDRESS_CHANGE, NEW, 4, False),
    ],
)
def test_a_link_is_for_the_account_with_its_password_and_the_address_that_it_proves(
    kind: LinkKind, email: Email, generation: int, is_for: bool
) -> None:
    user = User(id="u", email=ADA, password_hash="", generation=3)

    assert Link(kind, "u", email, generation, "").is_for(user) is is_for


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_is_mailed_with_its_page_and_until_it_ends(
    context: AccountContext, ada: User, database: Database, kind: LinkKind
) -> None:
    await mail_link(context.repositories, kind, ada, NEW)

    (mail,) = await mails(database)
    link = await context.repositories.links.of_token(await token_of(database, kind.value), kind)
    assert mail["_id"] == f"{kind.value}:{link.hash[:32]}"
    assert (mail["kind"], mail["user_id"], mail["to"]) == (kind.value, ada.id, NEW.address)
    assert (mail["language"], mail["expires_at"]) == ("zh", NOON + LIFETIMES[kind])
