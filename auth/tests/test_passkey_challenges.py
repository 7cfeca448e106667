"""Challenges that devices sign, and the fields of requests with a passkey."""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.accounts import NOON

from auth.context import AccountContext
from auth.passkeys.challenges import KEPT, LIFETIME, Challenges
from auth.passkeys.domain import MAX_NAME, name_of
from auth.passkeys.errors import PasskeyLate, PasskeyRefused, PasskeyUnreadable
from auth.passkeys.fields import MAX_ANSWER, _answer, _used
from common.base.errors import InvalidValue
from common.persistence.mongo import Database
from common.testing.clock import Clock

pytestmark = pytest.mark.usefixtures("noon")


def test_a_challenge_is_good_for_its_purpose_until_it_ends(clock: Clock) -> None:
    challenges = Challenges.derived_from("secret")
    challenge = challenges.issue("add", "ada")

    assert len(challenge) == 54
    assert challenge != challenges.issue("add", "ada")
    assert challenges.check(challenge, "add", "ada") == NOON + LIFETIME
    clock.now = NOON + LIFETIME - timedelta(milliseconds=1)
    challenges.check(challenge, "add", "ada")
    for bad, purpose in (
        (challenge, ("add", "bob")),
        (challenge, ("add",)),
        (challenge[:-1], ("add", "ada")),
        (b"", ()),
        (bytes([challenge[0] ^ 1]) + challenge[1:], ("add", "ada")),
    ):
        with pytest.raises(PasskeyLate):
            challenges.check(bad, *purpose)
    with pytest.raises(PasskeyLate):
        Challenges.derived_from("other").check(challenge, "add", "ada")
    clock.now = NOON + LIFETIME
    with pytest.raises(PasskeyLate):
        challenges.check(challenge, "add", "ada")


def test_a_challenge_of_another_release_is_good() -> None:
    """Two releases run side by side in a rollout."""
    challenges = Challenges.derived_from("secret")
    challenge = challenges.issue("add", "ada")

    assert challenge[22:] == hmac.digest(challenges.key, challenge[:22] + b"add\0ada", "sha256")


async def test_a_spent_challenge_is_kept_for_longer_than_clocks_disagree(
    context: AccountContext, database: Database
) -> None:
    await context.repositories.spent_challenges.spend(b"one", NOON)
    await context.repositories.spent_challenges.spend(b"two", NOON)

    with pytest.raises(PasskeyLate):
        await context.repositories.spent_challenges.spend(b"one", NOON)
    found = await database["spent_challenges"].find({})
    assert [each["expires_at"] for each in found] == [NOON + KEPT] * 2
    assert {len(each["_id"]) for each in found} == {64}


@pytest.mark.parametrize("value", ["", "  ", "x" * (MAX_NAME + 1), "a\nb", "a\u202eb", None, 5, ["x"]])
def test_a_name_that_cannot_be_shown_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue) as refusal:
        name_of(value)
    assert refusal.value.code == "passkey-name-invalid"


def test_a_name_is_trimmed() -> None:
    assert name_of("  Phone ") == "Phone"
    assert name_of("x" * MAX_NAME) == "x" * MAX_NAME
    assert name_of(" " * 2 * MAX_NAME + "x") == "x"


@pytest.mark.parametrize("answer", [None, "x", [], {"a": "x" * MAX_ANSWER}])
def test_an_answer_that_is_no_object_or_too_long_is_refused(answer: Any) -> None:
    for refusal in (PasskeyRefused, PasskeyUnreadable):
        with pytest.raises(InvalidValue) as refused:
            _answer(refusal)(answer)
        assert refused.value.code == refusal.code
    if answer is None:
        assert _used(answer) is None


def test_an_answer_of_the_longest_form_is_read() -> None:
    longest: Mapping[str, Any] = {"a": "x" * (MAX_ANSWER - len('{"a": ""}'))}
    assert _used(longest) == longest
    with pytest.raises(InvalidValue) as refused:
        _used({"a": longest["a"] + "x"})
    assert refused.value.code == PasskeyRefused.code
