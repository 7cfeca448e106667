"""Proof by the password or a passkey that a session is used by its user."""

from unittest.mock import Mock

import pytest
from tests.accounts import (
    AWAY,
    HOME,
    OLD_PASSWORD,
    Turns,
)

from auth.context import AccountContext
from auth.domain import Source, User
from auth.errors import WrongPassword
from auth.hash_queue import Purpose
from auth.passkeys import uses
from auth.proofs import Proof, verify
from common.base.errors import TooManyTries

pytestmark = pytest.mark.usefixtures("noon")


async def test_a_wrong_password_is_no_proof_and_counts_as_a_failed_sign_in(
    context: AccountContext, ada: User, hasher: Mock
) -> None:
    wrong, right = Proof("wrong", "currentPassword"), Proof(OLD_PASSWORD, "currentPassword")
    source = Source(HOME)
    with pytest.raises(WrongPassword) as refusal:
        await verify(context, ada, wrong, source, "session")
    assert refusal.value.entries[0].field == "currentPassword"
    await verify(context, ada, right, source, "session")
    for _ in range(2):
        with pytest.raises(WrongPassword):
            await verify(context, ada, wrong, source, "session")

    hasher.reset_mock()
    with pytest.raises(TooManyTries):
        await verify(context, ada, right, source, "session")
    assert not hasher.method_calls
    await verify(context, ada, right, Source(AWAY), "session")


def test_a_proof_does_not_show_the_password() -> None:
    assert OLD_PASSWORD not in repr(Proof(OLD_PASSWORD, "password"))


async def test_a_proof_by_the_password_waits_for_its_turn_under_the_address_that_asks(
    context: AccountContext, ada: User, turns: Turns
) -> None:
    await verify(context, ada, Proof(OLD_PASSWORD, "password"), Source(HOME), "session")

    assert turns.taken == [(Purpose.SIGN_IN, HOME)]


async def test_a_passkey_takes_the_place_of_the_password(
    context: AccountContext, ada: User, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    proved: list[tuple[object, ...]] = []

    async def prove(*arguments: object) -> None:
        proved.append(arguments)

    monkeypatch.setattr(uses, "prove", prove)
    await verify(context, ada, Proof("wrong", "password", {"id": "of the key"}), Source(HOME), "session")

    assert proved == [(context, {"id": "of the key"}, HOME, ada.id, "session")]
    assert turns.taken == []
