"""Uses of a passkey: to sign in, and to prove that a session is its user's own."""

from collections.abc import Mapping
from typing import Any

from auth.context import AccountContext
from auth.passkeys.errors import PasskeyRefused
from auth.passkeys.relying_party import Answer, claim_of

SIGN_IN, PROVE = "sign-in", "prove"
"""Purposes of challenges; the second one with the ids of a user and a session."""


def options_to_sign_in(context: AccountContext) -> Mapping[str, Any]:
    """Options of WebAuthn, without a user: the device offers the users that it has passkeys of."""
    return context.party.to_use(context.challenges.issue(SIGN_IN))


async def sign_in(context: AccountContext, answer: Answer, address: str) -> str:
    """The id of the user whose passkey answered. Raises PasskeyRefused, PasskeyLate, TooManyTries."""
    return await _counted(context, answer, address, "", SIGN_IN)


async def options_to_prove(context: AccountContext, user_id: str, session_id: str) -> Mapping[str, Any]:
    """Options of WebAuthn to use one of the user's passkeys, for this session alone.

    Raises PasskeyRefused for a user without one.
    """
    passkeys = await context.repositories.passkeys.of_user(user_id)
    if not passkeys:
        raise PasskeyRefused()
    return context.party.to_use(context.challenges.issue(PROVE, user_id, session_id), passkeys)


async def prove(context: AccountContext, answer: Answer, address: str, user_id: str, session_id: str) -> None:
    """Raises PasskeyRefused unless a passkey of the user answered for this session.

    Raises PasskeyLate, TooManyTries.
    """
    holder = await context.repositories.passkeys.holder(user_id)
    # Where the options list the passkeys, the device may leave out the user handle.
    handle = "" if holder is None else holder.handle
    if await _counted(context, answer, address, handle, PROVE, user_id, session_id) != user_id:
        raise PasskeyRefused()


async def _counted(context: AccountContext, answer: Answer, address: str, handle: str, *purpose: str) -> str:
    """As `_used`. A PasskeyRefused counts against the address. Raises TooManyTries before any look-up."""
    failures = context.repositories.failures
    await failures.refuse_passkeys(address)
    try:
        return await _used(context, answer, handle, *purpose)
    except PasskeyRefused:
        await failures.add_passkey(address)
        raise


async def _used(context: AccountContext, answer: Answer, handle: str, *purpose: str) -> str:
    """handle: Of the user, where the answer names none."""
    repositories = context.repositories
    claim = claim_of(answer, PasskeyRefused)
    ends = context.challenges.check(claim.challenge, *purpose)
    found = await repositories.passkeys.of_claim(claim.handle or handle, claim.credential)
    if found is None:
        raise PasskeyRefused()
    user_id, passkey = found
    sign_count = context.party.used(answer, claim.challenge, passkey)
    # Only now: a stranger's answer, which no key signed, costs no write.
    await repositories.spent_challenges.spend(claim.challenge, ends)
    if not await repositories.passkeys.use(user_id, passkey, sign_count):
        raise PasskeyRefused()
    return user_id
