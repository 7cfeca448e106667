"""Tokens: which are good, which are not, and under which key."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from common.base.identity import CurrentUser
from common.http import session_tokens
from common.http.session_keys import PrivateKey, SigningKeys
from common.http.session_tokens import (
    LIFETIME,
    Ed25519Signer,
    SharedKeySigner,
    TokenVerifier,
    signer_of,
    verifier_of,
)

ADA = CurrentUser("a" * 24, "her session")
EMAIL = "ada@example.test"
NOW = datetime.now(UTC)
OURS, NEXT, OTHER = (PrivateKey.generate() for _ in range(3))
SHARED = "the key that all services shared before"
CLAIMS: dict[str, Any] = {
    "iss": "auth",
    "aud": "services",
    "sub": ADA.id,
    "sid": ADA.session_id,
    "iat": NOW,
    "exp": NOW + timedelta(hours=1),
}
OLD_CLAIMS: dict[str, Any] = {"sub": ADA.id, "email": EMAIL, "iat": NOW, "exp": NOW + timedelta(hours=1)}
HEADERS = {"kid": OURS.public.id, "typ": "at+jwt"}


def a_token(key: PrivateKey = OURS, headers: Mapping[str, Any] = HEADERS, **claims: object) -> str:
    return jwt.encode({**CLAIMS, **claims}, key.signer, algorithm="EdDSA", headers=dict(headers))


def an_old_token(key: str = SHARED, algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode({**OLD_CLAIMS, **claims}, key, algorithm=algorithm)


def without(claim: str) -> str:
    claims = {name: value for name, value in CLAIMS.items() if name != claim}
    return jwt.encode(claims, OURS.signer, algorithm="EdDSA", headers=HEADERS)


def old_without(claim: str) -> str:
    return jwt.encode({k: v for k, v in OLD_CLAIMS.items() if k != claim}, SHARED, algorithm="HS256")


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(**header: object) -> str:
    return f"{encoded(header)}.{encoded({**CLAIMS, 'iat': 1, 'exp': 9_999_999_999})}."


def signed_with_the_public_key(secret: str | bytes, **headers: str) -> str:
    """The classic confusion: HS256, with what everybody knows as the secret."""
    return jwt.encode(
        {**CLAIMS, "email": EMAIL}, secret, algorithm="HS256", headers={"typ": "at+jwt", **headers}
    )


VERIFIER = TokenVerifier(OURS.public, shared=SHARED)
PEM = (OURS.public.verifier.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).replace(
    b"-----", b""
)
RAW = OURS.public.verifier.public_bytes_raw()
NONE: list[Any] = [{claim: None} for claim in ("aud", "sub", "sid", "iat", "exp")]
good = a_token()


def test_a_token_is_read_back_and_says_no_more_than_it_has_to() -> None:
    token = Ed25519Signer(OURS).token(ADA, EMAIL)

    assert VERIFIER.user(token) == ADA
    assert VERIFIER.user(token) == ADA
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": OURS.public.id, "typ": "at+jwt"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: CLAIMS[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert set(claims) == set(CLAIMS)
    assert claims["exp"] - claims["iat"] == LIFETIME.total_seconds()


@pytest.mark.parametrize("token", [a_token(roles=["staff"]), a_token(iat=NOW + timedelta(minutes=2))])
def test_a_token_with_roles_and_one_from_a_clock_that_is_ahead_are_good(token: str) -> None:
    assert VERIFIER.user(token) == ADA


@pytest.mark.parametrize(
    "token",
    [
        *(None, "", ".", "..", "x", "\u00ff", "a.b.c", good[:-2], good[1:], good + "x", "x" * 100_000),
        good.replace(".", ".e30.", 1),
        ".".join((good.split(".")[0], a_token(sub="other").split(".")[1], good.split(".")[2])),
        base64.urlsafe_b64encode(b"[" * 2_900).decode().rstrip("=") + ".e30.e30",
        *(without(claim) for claim in CLAIMS),
        *(a_token(**none) for none in NONE),
        a_token(exp=NOW - timedelta(seconds=1)),
        *(a_token(exp="never"), a_token(exp=1e400), a_token(iat="now"), a_token(sub=5), a_token(sid=5)),
        *(a_token(iss="else"), a_token(aud="receipt"), a_token(aud=["services"])),
        *(a_token(headers=HEADERS | {"typ": typ}) for typ in ("JWT", "jwt", "at+JWT ", "")),
        a_token(headers={"typ": "at+jwt"}),
        *(a_token(headers=HEADERS | {"kid": kid}) for kid in ("", "x", OTHER.public.id, OURS.public.text)),
        a_token(OTHER),
        a_token(OTHER, HEADERS | {"kid": OTHER.public.id}),
        a_token(headers=HEADERS | {"crit": ["exp"]}),
        *(unsigned(alg=alg, **HEADERS) for alg in ("none", "None", "EdDSA", "HS256")),
        *(unsigned(alg=alg, typ="JWT") for alg in ("none", "HS256")),
        unsigned(alg="EdDSA", typ="at+jwt", kid=["x"]),
        unsigned(alg="EdDSA", typ="at+jwt", kid=None),
        *(signed_with_the_public_key(secret) for secret in (OURS.public.text, RAW, PEM)),
        *(signed_with_the_public_key(secret, kid=OURS.public.id) for secret in (OURS.public.text, RAW, PEM)),
        signed_with_the_public_key(SHARED, kid=OURS.public.id),
        an_old_token("another key of more than thirty-two bytes"),
        an_old_token(SHARED * 2, algorithm="HS512"),
        an_old_token(aud="services"),
        *(an_old_token(aud=aud) for aud in ("receipt", "client address")),
        an_old_token(exp=NOW - timedelta(seconds=1)),
        an_old_token(sub=5),
        *(old_without(claim) for claim in OLD_CLAIMS),
    ],
)
def test_a_token_that_is_not_right_is_nobodys(token: str | None) -> None:
    assert VERIFIER.user(token) is None


def test_with_public_keys_alone_no_token_of_a_shared_key_is_good() -> None:
    for shared in ("", OURS.public.text, RAW.decode("latin-1"), SHARED):
        verifier = TokenVerifier(OURS.public)
        if shared:
            assert verifier.user(an_old_token(shared)) is None
    assert TokenVerifier().user(good) is None


def test_two_keys_are_good_at_a_time() -> None:
    verifier = verifier_of(f"{OURS.public.text},{NEXT.public.text}")

    assert verifier.user(a_token()) == ADA
    assert verifier.user(a_token(NEXT, HEADERS | {"kid": NEXT.public.id})) == ADA
    assert verifier.user(a_token(NEXT)) is None
    assert verifier_of(NEXT.public.text).user(a_token()) is None


def test_the_service_that_signs_verifies_its_own_tokens() -> None:
    verifier = verifier_of(NEXT.public.text, own=OURS)

    assert verifier.user(a_token()) == ADA
    assert verifier.user(a_token(NEXT, HEADERS | {"kid": NEXT.public.id})) == ADA


def test_a_token_ends_when_it_expires_also_where_it_was_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert VERIFIER.user(good) == ADA

    monkeypatch.setattr(session_tokens, "time", lambda: (NOW + timedelta(hours=2)).timestamp())

    assert VERIFIER.user(good) is None


def test_while_the_shared_key_signs_the_release_before_reads_the_token_and_this_one_too() -> None:
    token = signer_of(SigningKeys.parse(SHARED)).token(ADA, EMAIL)

    # As `common.http.session` of the release before does.
    options: Any = {"require": ["sub", "email", "iat", "exp"], "verify_iat": False}
    claims = jwt.decode(token, SHARED, algorithms=["HS256"], options=options)
    assert (claims["sub"], claims["email"]) == (ADA.id, EMAIL)
    assert VERIFIER.user(token) == ADA


def test_a_token_of_the_release_before_is_good_while_its_key_is_known() -> None:
    assert VERIFIER.user(an_old_token()) == CurrentUser(ADA.id)
    assert verifier_of("", SHARED).user(an_old_token()) == CurrentUser(ADA.id)
    assert verifier_of(OURS.public.text).user(an_old_token()) is None


def test_the_signer_follows_from_the_key() -> None:
    assert isinstance(signer_of(SigningKeys.parse(SHARED)), SharedKeySigner)
    for text in (OURS.text, f"{OURS.text},{SHARED}"):
        assert jwt.get_unverified_header(signer_of(SigningKeys.parse(text)).token(ADA, EMAIL)) == {
            "alg": "EdDSA",
            **HEADERS,
        }


def test_a_session_that_may_not_trade_says_so_and_another_says_nothing() -> None:
    signer = Ed25519Signer(OURS)
    unconfirmed = CurrentUser(ADA.id, "a session", may_trade=False)

    assert VERIFIER.user(signer.token(unconfirmed, EMAIL)) == unconfirmed
    assert VERIFIER.user(signer.token(ADA, EMAIL)) == ADA
    assert ADA.may_trade
    claims = jwt.decode(signer.token(ADA, EMAIL), options={"verify_signature": False})
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp"}
