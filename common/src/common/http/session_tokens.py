"""Tokens of sessions: JWTs that one service signs with Ed25519, and that every service verifies."""

from datetime import timedelta
from functools import lru_cache
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.base import times
from common.base.identity import CurrentUser
from common.http.session_keys import PrivateKey, PublicKey, public_keys

LIFETIME = timedelta(days=7)
MAX_TOKEN_LENGTH = 4096
"""In characters. No browser stores a longer cookie, so a longer token is not cached."""
ISSUER = "auth"
AUDIENCE = "services"
TYPE = "at+jwt"
"""Type of an access token (RFC 9068): no other JWT of this key is taken for one."""
_CLAIMS = ("iss", "aud", "sub", "sid", "iat", "exp")
_CONFIRMED = "confirmed"
"""Claim, false, of a user who has to confirm the e-mail address before selling or buying; else absent."""

_Known = tuple[CurrentUser, int]
"""The user, and the expiry in seconds since 1970."""


class TokenSigner:
    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def token(self, user: CurrentUser) -> str:
        """A token of a new session."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user.id,
            "sid": user.session_id,
            **({} if user.may_trade else {_CONFIRMED: False}),
            **_lifetime(),
        }
        headers = {"kid": self._key.public.id, "typ": TYPE}
        return jwt.encode(claims, self._key.signer, algorithm="EdDSA", headers=headers)


class TokenVerifier:
    """Verifies tokens by the public key that the header's `kid` names.

    The same token is verified once: a signature doesn't change. The expiry is checked at each use.
    """

    def __init__(self, *keys: PublicKey) -> None:
        self._keys = {key.id: key.verifier for key in keys}
        self._verified = lru_cache(maxsize=4096)(self._verify)

    def user(self, token: str | None) -> CurrentUser | None:
        """The user of a good token; None for any other. Raises nothing."""
        if token is None or len(token) > MAX_TOKEN_LENGTH:
            return None
        known = self._verified(token)
        return known[0] if known is not None and known[1] > time() else None

    def _verify(self, token: str) -> _Known | None:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header["kid"])
            return None if key is None or header.get("typ") != TYPE else _claims(token, key)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            return None


def verifier_of(public: str, own: PrivateKey | None = None) -> TokenVerifier:
    """public: As in `JWT_PUBLIC_KEYS`. own: The key of the service that signs, where it is this one."""
    keys = public_keys(public).values()
    return TokenVerifier(*keys, *(() if own is None else (own.public,)))


def _lifetime() -> dict[str, Any]:
    issued = times.now()
    return {"iat": issued, "exp": issued + LIFETIME}


def _claims(token: str, key: Ed25519PublicKey) -> _Known | None:
    """Raises jwt.InvalidTokenError."""
    # Not `verify_iat`: another machine's clock may be a little ahead, and a refusal is remembered.
    options: Any = {"require": list(_CLAIMS), "verify_iat": False, "strict_aud": True}
    claims = jwt.decode(token, key, ["EdDSA"], options, audience=AUDIENCE, issuer=ISSUER)
    session, issued = claims["sid"], claims["iat"]
    if not isinstance(session, str) or not isinstance(issued, int):
        return None
    may_trade = claims.get(_CONFIRMED) is not False
    return CurrentUser(str(claims["sub"]), session, may_trade), int(claims["exp"])
