"""Proof that a session is used by its user: the password, or a passkey, given again for a change."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auth.context import AccountContext
from auth.domain import Source, User
from auth.errors import WrongPassword
from auth.failed_sign_ins import Attempt
from auth.hash_queue import Purpose
from auth.passkeys import uses


@dataclass(frozen=True, slots=True)
class Proof:
    """password: Ignored where there is a passkey. field: Of the request, which has the password.

    passkey: JSON of a device's answer; None for a proof by the password.
    """

    password: str = dataclasses.field(repr=False)
    field: str
    passkey: Mapping[str, Any] | None = None


async def verify(context: AccountContext, user: User, proof: Proof, source: Source, session_id: str) -> None:
    """Raises WrongPassword or PasskeyRefused, each counted as a failed sign-in: no session guesses.

    Raises PasskeyLate, TooManyTries, Busy.
    """
    if proof.passkey is not None:
        await uses.prove(context, proof.passkey, source.address, user.id, session_id)
    else:
        await _verify_password(context, user, proof, source)


async def _verify_password(context: AccountContext, user: User, proof: Proof, source: Source) -> None:
    failures, attempt = context.repositories.failures, Attempt.of(user.email, source)
    await failures.refuse_guessing(attempt)
    async with context.hashing.turn(Purpose.SIGN_IN, source.address) as passwords:
        await failures.refuse_guessing(attempt)
        if not await passwords.match(user.password_hash, proof.password):
            await failures.add(attempt)
            raise WrongPassword(proof.field)
    await failures.forget(attempt)
