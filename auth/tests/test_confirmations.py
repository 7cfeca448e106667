"""Confirming an address by a link, and changing to another one."""

from dataclasses import replace

import pytest
from tests.accounts import (
    ADA,
    AWAY,
    BOB,
    HOME,
    KINDS,
    NEW,
    NOON,
    Ender,
    mails,
    reload,
    token_of,
)

from auth.confirmations import confirm, request_confirmation
from auth.context import AccountContext
from auth.domain import User
from auth.errors import EmailInUse, LinkInvalid
from auth.links import LinkKind
from common.base.errors import TooManyTries
from common.persistence.mongo import Database

pytestmark = pytest.mark.usefixtures("noon")


async def test_an_address_is_confirmed_by_its_link_once(
    context: AccountContext, ada: User, database: Database
) -> None:
    await request_confirmation(context, ada, HOME)
    token = await token_of(database, "confirm")

    confirmed = await confirm(context, token)

    assert confirmed == await reload(context, ada)
    assert (confirmed.id, confirmed.confirmed) == (ada.id, True)
    with pytest.raises(LinkInvalid):
        await confirm(context, token)
    await request_confirmation(context, confirmed, HOME)
    assert len(await mails(database)) == 1


async def test_requests_for_a_confirmation_are_counted(
    context: AccountContext, ada: User, database: Database
) -> None:
    for _ in range(2):
        await request_confirmation(context, ada, HOME)

    with pytest.raises(TooManyTries):
        await request_confirmation(context, ada, HOME)
    await request_confirmation(context, ada, AWAY)
    assert [mail["to"] for mail in await mails(database)] == [ADA.address] * 3


async def test_a_link_of_an_account_that_is_gone_or_has_another_password_confirms_nothing(
    context: AccountContext, ada: User
) -> None:
    gone = await context.repositories.links.issue(LinkKind.CONFIRM, User.register(BOB, "x"), BOB)
    late = await context.repositories.links.issue(LinkKind.CONFIRM, replace(ada, generation=1), ADA)
    of_reset = await context.repositories.links.issue(LinkKind.RESET, ada, ADA)

    for issued in (gone, late, of_reset):
        with pytest.raises(LinkInvalid):
            await confirm(context, issued.token)
    assert not (await reload(context, ada)).confirmed


async def test_a_link_to_a_new_address_changes_to_it_and_tells_the_old_one(
    context: AccountContext, ada: User, database: Database, ender: Ender
) -> None:
    issued = await context.repositories.links.issue(LinkKind.ADDRESS_CHANGE, ada, NEW)
    other = await context.repositories.links.issue(LinkKind.RESET, ada, ADA)

    changed = await confirm(context, issued.token)

    assert (changed.id, changed.email, changed.confirmed) == (ada.id, NEW, True)
    assert changed == await reload(context, ada)
    (mail,) = await mails(database)
    assert (mail["kind"], mail["to"], mail["user_id"]) == ("address-changed", ADA.address, ada.id)
    assert mail["data"] == {"path": "/auth/forgot", "at": NOON}
    assert ender.ended == []
    with pytest.raises(LinkInvalid):
        await context.repositories.links.of_token(other.token, *KINDS)
    assert (await database["users"].find_one({}))["changes"] == []  # type: ignore[index]  # it is there


async def test_a_new_address_that_got_an_account_is_refused(context: AccountContext, ada: User) -> None:
    issued = await context.repositories.links.issue(LinkKind.ADDRESS_CHANGE, ada, BOB)
    await context.repositories.users.add(User.register(BOB, "x"))

    with pytest.raises(EmailInUse):
        await confirm(context, issued.token)
    assert (await reload(context, ada)).email == ADA
