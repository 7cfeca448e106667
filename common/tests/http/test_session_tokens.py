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
from common.http.session_keys import PrivateKey
from common.http.session_tokens import (
    LIFETIME,
    TokenSigner,
    TokenVerifier,
    verifier_of,
)

ADA = CurrentUser("a" * 24, "her session")
NOW = datetime.now(UTC)
OURS, NEXT, OTHER = (PrivateKey.generate() for _ in range(3))
SECRET = "a key that many know, of more than thirty-two bytes"
CLAIMS: dict[str, Any] = {
    "iss": "auth",
    "aud": "services",
    "sub": ADA.id,
    "sid": ADA.session_id,
    "iat": NOW,
    "exp": NOW + timedelta(hours=1),
}
HEADERS = {"kid": OURS.public.id, "typ": "at+jwt"}


def a_token(key: PrivateKey = OURS, headers: Mapping[str, Any] = HEADERS, **claims: object) -> str:
    return jwt.encode({**CLAIMS, **claims}, key.signer, algorithm="EdDSA", headers=dict(headers))


def without(claim: str) -> str:
    claims = {name: value for name, value in CLAIMS.items() if name != claim}
    return jwt.encode(claims, OURS.signer, algorithm="EdDSA", headers=HEADERS)


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(**header: object) -> str:
    return f"{encoded(header)}.{encoded({**CLAIMS, 'iat': 1, 'exp': 9_999_999_999})}."


def signed_with_the_public_key(secret: str | bytes, **headers: str) -> str:
    """The classic confusion: HS256, with what everybody knows as the secret."""
    return jwt.encode(CLAIMS, secret, algorithm="HS256", headers={"typ": "at+jwt", **headers})


VERIFIER = TokenVerifier(OURS.public)
PEM = (OURS.public.verifier.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).replace(
    b"-----", b""
)
RAW = OURS.public.verifier.public_bytes_raw()
NONE: list[Any] = [{claim: None} for claim in ("aud", "sub", "sid", "iat", "exp")]
good = a_token()


def test_a_token_is_read_back_and_says_no_more_than_it_has_to() -> None:
    token = TokenSigner(OURS).token(ADA)

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
        signed_with_the_public_key(SECRET, kid=OURS.public.id),
        signed_with_the_public_key(SECRET),
    ],
)
def test_a_token_that_is_not_right_is_nobodys(token: str | None) -> None:
    assert VERIFIER.user(token) is None


def test_without_a_key_no_token_is_good() -> None:
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


def test_a_session_that_may_not_trade_says_so_and_another_says_nothing() -> None:
    signer = TokenSigner(OURS)
    unconfirmed = CurrentUser(ADA.id, "a session", may_trade=False)

    assert VERIFIER.user(signer.token(unconfirmed)) == unconfirmed
    assert VERIFIER.user(signer.token(ADA)) == ADA
    assert ADA.may_trade
    claims = jwt.decode(signer.token(ADA), options={"verify_signature": False})
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp"}
