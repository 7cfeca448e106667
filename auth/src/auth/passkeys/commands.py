"""Use cases: add, rename and remove a passkey."""

from collections.abc import Mapping
from typing import Any

from auth.changes import Change, ChangeKind
from auth.consequences import follow_up
from auth.context import AccountContext
from auth.domain import User
from auth.passkeys.domain import MAX_PASSKEYS, Passkey
from auth.passkeys.errors import PasskeyUnreadable, TooManyPasskeys
from auth.passkeys.relying_party import Answer, claim_of
from auth.passkeys.repository import new_passkey
from common.base.errors import NotAuthorized, NotFound

ADD = "add"


async def options_to_add(context: AccountContext, user: User, session_id: str) -> Mapping[str, Any]:
    """Options of WebAuthn, for this session alone, which proved before to be the user's own.

    Raises TooManyPasskeys.
    """
    holder = await context.repositories.passkeys.holder(user.id)
    if holder is None:
        raise NotAuthorized()
    if len(holder.passkeys) >= MAX_PASSKEYS:
        raise TooManyPasskeys()
    challenge = context.challenges.issue(*_of_adding(user, session_id))
    return context.party.to_add(challenge, holder, user.email.address)


async def add(context: AccountContext, user: User, session_id: str, name: str, answer: Answer) -> Passkey:
    """Adds a passkey and mails a notice.

    Raises PasskeyUnreadable, PasskeyLate, PasskeyKnown, TooManyPasskeys; Conflict where the password changed
    meanwhile.
    """
    challenge = claim_of(answer, PasskeyUnreadable).challenge
    ends = context.challenges.check(challenge, *_of_adding(user, session_id))
    key = context.party.added(answer, challenge)
    await context.repositories.spent_challenges.spend(challenge, ends)
    passkey = new_passkey(name, key.credential, key.public_key, key.sign_count)
    change = Change.now(ChangeKind.PASSKEY_ADDED, user.email.address, name=name)
    await context.repositories.passkeys.add(user, passkey, change)
    await follow_up(context, user, change)
    return passkey


async def rename(context: AccountContext, user_id: str, passkey_id: str, name: str) -> None:
    """Raises NotFound, also for another user's passkey."""
    if not await context.repositories.passkeys.rename(user_id, passkey_id, name):
        raise NotFound()


async def remove(context: AccountContext, user: User, passkey_id: str) -> None:
    """Removes a passkey and mails a notice. Raises NotFound, also for another user's passkey."""
    repository = context.repositories.passkeys
    found = [each for each in await repository.of_user(user.id) if each.id == passkey_id]
    if not found:
        raise NotFound()
    change = Change.now(ChangeKind.PASSKEY_REMOVED, user.email.address, name=found[0].name)
    if not await repository.remove(user.id, passkey_id, change):
        raise NotFound()
    await follow_up(context, user, change)


def _of_adding(user: User, session_id: str) -> tuple[str, ...]:
    """Purpose of a challenge. A change of the password ends those before it."""
    return ADD, user.id, session_id, str(user.generation)
