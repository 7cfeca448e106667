"""Options for devices, and which answers are genuine, without an app."""

from typing import Any

import pytest

from auth.passkeys.challenges import LIFETIME
from auth.passkeys.domain import Holder, Passkey
from auth.passkeys.errors import PasskeyRefused, PasskeyUnreadable
from auth.passkeys.relying_party import RelyingParty, claim_of
from auth.passkeys.repository import new_passkey
from common.testing.authenticator import PRESENT, Authenticator, encoded

PARTY = RelyingParty.of("https://shop.test")
CHALLENGE, OTHER = b"a challenge of many bytes", b"another challenge of bytes"
HANDLE = encoded(bytes(range(32)))
MILLISECONDS = int(LIFETIME.total_seconds() * 1000)


def options(challenge: bytes = CHALLENGE, *passkeys: Passkey) -> dict[str, Any]:
    return dict(PARTY.to_add(challenge, Holder(HANDLE, passkeys), "ada@example.test"))


def a_device() -> Authenticator:
    return Authenticator("https://shop.test")


def a_passkey(device: Authenticator) -> Passkey:
    key = PARTY.added(device.create(options()), CHALLENGE)
    return new_passkey("Phone", key.credential, key.public_key, key.sign_count)


def test_a_new_passkey_is_stored_on_the_device_and_verifies_its_user() -> None:
    known = new_passkey("Phone", encoded(b"known"), "key", 0)

    asked = options(CHALLENGE, known)

    assert asked["challenge"] == encoded(CHALLENGE)
    assert asked["rp"] == {"name": "GitTix", "id": "shop.test"}
    assert (asked["user"]["id"], asked["user"]["name"]) == (HANDLE, "ada@example.test")
    assert asked["timeout"] == MILLISECONDS
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert [each["alg"] for each in asked["pubKeyCredParams"]] == [-8, -7, -257]
    assert [each["id"] for each in asked["excludeCredentials"]] == [encoded(b"known")]


def test_a_use_verifies_the_devices_user() -> None:
    known = new_passkey("Phone", encoded(b"known"), "key", 0)

    asked = PARTY.to_use(CHALLENGE, [known])

    assert (asked["challenge"], asked["rpId"]) == (encoded(CHALLENGE), "shop.test")
    assert (asked["timeout"], asked["userVerification"]) == (MILLISECONDS, "required")
    assert [each["id"] for each in asked["allowCredentials"]] == [encoded(b"known")]
    assert PARTY.to_use(CHALLENGE)["allowCredentials"] == []


def test_a_genuine_key_is_taken_with_its_count() -> None:
    device = a_device()
    answer = device.create(options())

    key = PARTY.added(answer, CHALLENGE)

    assert (key.credential, key.sign_count) == (answer["id"], 0)
    claim = claim_of(answer, PasskeyUnreadable)
    assert (claim.challenge, claim.credential) == (CHALLENGE, answer["id"])


def unverified() -> dict[str, Any]:
    device = a_device()
    device.flags = PRESENT
    return device.create(options())


@pytest.mark.parametrize(
    "answer",
    [
        unverified(),
        a_device().create(options(OTHER)),
        Authenticator("https://other.test").create(options()),
        a_device().create(options(), type="webauthn.get"),
        a_device().create(options()) | {"id": encoded(b"x"), "rawId": encoded(b"x")},
        {},
        {"id": 5},
    ],
)
def test_a_key_that_is_not_genuine_or_did_not_verify_its_user_is_unreadable(answer: dict[str, Any]) -> None:
    with pytest.raises(PasskeyUnreadable):
        PARTY.added(answer, CHALLENGE)


def test_a_use_returns_the_count_of_the_device() -> None:
    device = a_device()
    passkey = a_passkey(device)

    for count in (1, 2):
        assert PARTY.used(device.get(PARTY.to_use(CHALLENGE)), CHALLENGE, passkey) == count


@pytest.mark.parametrize("fault", ["unverified", "challenge", "origin", "signature", "another key"])
def test_a_use_that_is_not_genuine_is_refused(fault: str) -> None:
    device = a_device()
    passkey = a_passkey(device)
    if fault == "unverified":
        device.flags = PRESENT
    if fault == "origin":
        device.origin = "https://other.test"
    if fault == "another key":
        a_passkey(device)
    answer = device.get(PARTY.to_use(OTHER if fault == "challenge" else CHALLENGE))
    if fault == "signature":
        answer["response"]["signature"] = encoded(bytes(64))

    with pytest.raises(PasskeyRefused):
        PARTY.used(answer, CHALLENGE, passkey)


@pytest.mark.parametrize("refusal", [PasskeyRefused, PasskeyUnreadable])
@pytest.mark.parametrize("answer", [{}, {"response": {}}, {"id": "x", "response": {"clientDataJSON": "e30"}}])
def test_an_answer_without_its_parts_is_refused_as_its_caller_says(
    answer: dict[str, Any], refusal: type[PasskeyRefused | PasskeyUnreadable]
) -> None:
    with pytest.raises(refusal):
        claim_of(answer, refusal)
