"""Adding, using, renaming and removing a passkey without an app, with a device in memory."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.accounts import ADA, AWAY, BOB, HOME, NOON, mails

from auth.changes import Change, ChangeKind
from auth.context import AccountContext
from auth.domain import User
from auth.passkeys import commands, uses
from auth.passkeys.domain import MAX_PASSKEYS, Passkey
from auth.passkeys.errors import PasskeyKnown, PasskeyLate, PasskeyRefused, PasskeyUnreadable, TooManyPasskeys
from auth.passkeys.repository import new_passkey
from common.base.errors import NotAuthorized, NotFound, TooManyTries
from common.persistence.mongo import Database
from common.testing.authenticator import Authenticator
from common.testing.clock import Clock

pytestmark = pytest.mark.usefixtures("noon")

SESSION = "session"


@pytest.fixture
def device() -> Authenticator:
    return Authenticator("https://shop.test")


async def added(context: AccountContext, user: User, device: Authenticator, name: str = "Phone") -> Passkey:
    options = await commands.options_to_add(context, user, SESSION)
    return await commands.add(context, user, SESSION, name, device.create(options))


async def own(context: AccountContext, user: User) -> tuple[Passkey, ...]:
    return await context.repositories.passkeys.of_user(user.id)


async def test_a_passkey_is_added_with_a_mail(
    context: AccountContext, ada: User, device: Authenticator, database: Database
) -> None:
    options = await commands.options_to_add(context, ada, SESSION)
    passkey = await commands.add(context, ada, SESSION, "Phone", device.create(options))

    assert (options["rp"], options["user"]["name"]) == ({"name": "GitTix", "id": "shop.test"}, ADA.address)
    assert (passkey.name, passkey.at, passkey.used_at) == ("Phone", NOON, None)
    assert passkey.credential in device.credentials
    assert await own(context, ada) == (passkey,)
    (mail,) = await mails(database)
    assert (mail["kind"], mail["to"], mail["data"]["name"]) == ("passkey-added", ADA.address, "Phone")
    (user,) = await database["users"].find({})
    assert user["changes"] == []


async def test_options_leave_out_the_passkeys_that_the_account_has(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    passkey = await added(context, ada, device)

    options = await commands.options_to_add(context, ada, SESSION)

    assert [known["id"] for known in options["excludeCredentials"]] == [passkey.credential]
    with pytest.raises(NotAuthorized):
        await commands.options_to_add(context, User.register(BOB, "x"), SESSION)


@pytest.mark.parametrize("of", ["session", "user", "password", "purpose"])
async def test_an_answer_counts_for_its_session_user_and_password_alone(
    context: AccountContext, ada: User, device: Authenticator, of: str
) -> None:
    bob = User.register(BOB, "x")
    await context.repositories.users.add(bob)
    answer = device.create(await commands.options_to_add(context, ada, SESSION))
    user, session = (bob if of == "user" else ada), ("other" if of == "session" else SESSION)
    if of == "password":
        change = Change.now(ChangeKind.PASSWORD, ADA.address)
        changed = await context.repositories.users.change_password(ada, "another", change)
        assert changed is not None
        user = changed
    if of == "purpose":
        options = await commands.options_to_add(context, ada, SESSION)
        challenge = context.party.to_use(context.challenges.issue(uses.SIGN_IN))["challenge"]
        answer = device.create({**options, "challenge": challenge})

    with pytest.raises(PasskeyLate):
        await commands.add(context, user, session, "Phone", answer)
    assert await own(context, ada) == ()


async def test_an_answer_adds_one_passkey_once(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    answer = device.create(await commands.options_to_add(context, ada, SESSION))
    await commands.add(context, ada, SESSION, "Phone", answer)

    with pytest.raises(PasskeyLate):
        await commands.add(context, ada, SESSION, "Phone", answer)
    with pytest.raises(PasskeyUnreadable):
        await commands.add(context, ada, SESSION, "Phone", {"id": "none"})


async def test_an_account_has_at_most_ten(context: AccountContext, ada: User, device: Authenticator) -> None:
    answer = device.create(await commands.options_to_add(context, ada, SESSION))
    for number in range(MAX_PASSKEYS):
        passkey = new_passkey("Phone", f"credential-{number}", "key", 0)
        await context.repositories.passkeys.add(
            ada, passkey, Change.now(ChangeKind.PASSKEY_ADDED, "a@b.test")
        )

    with pytest.raises(TooManyPasskeys):
        await commands.options_to_add(context, ada, SESSION)
    with pytest.raises(TooManyPasskeys):
        await commands.add(context, ada, SESSION, "Phone", answer)
    known = new_passkey("Phone", "credential-3", "key", 0)
    with pytest.raises(PasskeyKnown):
        await context.repositories.passkeys.add(ada, known, Change.now(ChangeKind.PASSKEY_ADDED, "a@b.test"))


async def test_a_sign_in_names_the_user_and_notes_the_use(
    context: AccountContext, ada: User, device: Authenticator, clock: Clock
) -> None:
    await added(context, ada, device)
    clock.now += timedelta(hours=1)
    options = uses.options_to_sign_in(context)
    answer = device.get(options)

    assert options["allowCredentials"] == []
    assert await uses.sign_in(context, answer, HOME) == ada.id
    (passkey,) = await own(context, ada)
    assert (passkey.sign_count, passkey.used_at) == (1, clock.now)


async def test_an_answer_of_a_device_that_does_not_count_signs_in_once(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    device.counts = False
    await added(context, ada, device)
    answer = device.get(uses.options_to_sign_in(context))
    await uses.sign_in(context, answer, HOME)

    with pytest.raises(PasskeyLate):
        await uses.sign_in(context, answer, HOME)


async def test_a_proof_is_for_its_user_and_session(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    passkey = await added(context, ada, device)
    options = await uses.options_to_prove(context, ada.id, SESSION)

    assert [known["id"] for known in options["allowCredentials"]] == [passkey.credential]
    await uses.prove(context, device.get(options), HOME, ada.id, SESSION)
    for answer, session in (
        (device.get(await uses.options_to_prove(context, ada.id, SESSION)), "other"),
        (device.get(uses.options_to_sign_in(context)), SESSION),
    ):
        with pytest.raises(PasskeyLate):
            await uses.prove(context, answer, HOME, ada.id, session)


async def test_a_device_may_leave_out_the_user_where_the_options_name_the_passkeys(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    await added(context, ada, device)
    answer = device.get(await uses.options_to_prove(context, ada.id, SESSION))
    answer["response"].pop("userHandle")

    await uses.prove(context, answer, HOME, ada.id, SESSION)


async def test_a_passkey_of_another_user_is_no_proof(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    bob = User.register(BOB, "x")
    await context.repositories.users.add(bob)
    await added(context, ada, Authenticator("https://shop.test"))
    await added(context, bob, device)
    challenge = context.party.to_use(context.challenges.issue(uses.PROVE, ada.id, SESSION))

    with pytest.raises(PasskeyRefused):
        await uses.prove(context, device.get(challenge), HOME, ada.id, SESSION)
    with pytest.raises(PasskeyRefused):
        await uses.options_to_prove(context, "nobody", SESSION)


async def test_refused_passkeys_of_an_address_are_counted(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    failures = context.repositories.failures
    failures._limits = replace(failures._limits, failed_sign_ins_per_address=2)
    await added(context, ada, device)
    stranger = Authenticator("https://shop.test")
    stranger.create(await commands.options_to_add(context, ada, SESSION))
    for _ in range(2):
        with pytest.raises(PasskeyRefused):
            await uses.sign_in(context, stranger.get(uses.options_to_sign_in(context)), HOME)

    good = device.get(uses.options_to_sign_in(context))
    with pytest.raises(TooManyTries):
        await uses.sign_in(context, good, HOME)
    assert await uses.sign_in(context, good, AWAY) == ada.id


async def test_a_passkey_that_was_used_meanwhile_is_refused(
    context: AccountContext, ada: User, device: Authenticator
) -> None:
    passkey = await added(context, ada, device)
    repository = context.repositories.passkeys

    assert await repository.use(ada.id, passkey, 5)
    assert not await repository.use(ada.id, passkey, 6)
    assert not await repository.use("nobody", passkey, 6)
    assert [each.sign_count for each in await own(context, ada)] == [5]


async def test_a_passkey_is_renamed_and_removed_by_its_user_alone(
    context: AccountContext, ada: User, device: Authenticator, database: Database
) -> None:
    bob = User.register(BOB, "x")
    first, second = await added(context, ada, device), await added(context, ada, device, "Key")
    for attempt in (
        commands.rename(context, bob.id, first.id, "Mine"),
        commands.rename(context, ada.id, "absent", "Mine"),
        commands.remove(context, bob, first.id),
        commands.remove(context, ada, "absent"),
    ):
        with pytest.raises(NotFound):
            await attempt

    await commands.rename(context, ada.id, second.id, "Old key")
    await commands.remove(context, ada, second.id)

    assert await own(context, ada) == (first,)
    removed = [mail for mail in await mails(database) if mail["kind"] == "passkey-removed"]
    assert [(mail["to"], mail["data"]["name"]) for mail in removed] == [(ADA.address, "Old key")]
    with pytest.raises(NotFound):
        await commands.remove(context, ada, second.id)


async def test_each_user_has_one_handle_of_32_random_bytes(context: AccountContext, ada: User) -> None:
    first = await context.repositories.passkeys.holder(ada.id)
    second = await context.repositories.passkeys.holder(ada.id)

    assert first is not None
    assert first == second
    assert len(first.handle) == 43
    assert await context.repositories.passkeys.holder("nobody") is None
    assert await context.repositories.passkeys.of_user("nobody") == ()
    assert await context.repositories.passkeys.of_claim("nobody", "x") is None
