"""Tokens of sessions: JWTs that one service signs with Ed25519, and that every service verifies.

While a system is upgraded from the release before, they are signed and verified with the key that all
services shared then (HS256). The header's `kid` alone decides which of the two a token is: with one it is
verified by the public key of that id, without one by the shared key.
"""

from datetime import timedelta
from functools import lru_cache
from time import time
from typing import Any, Protocol

import jwt

from common.base import times
from common.base.identity import CurrentUser
from common.http.session_keys import PrivateKey, PublicKey, SigningKeys, public_keys

LIFETIME = timedelta(days=7)
MAX_TOKEN_LENGTH = 4096
"""In characters. No browser stores a longer cookie, so a longer token is not cached."""
ISSUER = "auth"
AUDIENCE = "services"
TYPE = "at+jwt"
"""Type of an access token (RFC 9068): no other JWT of this key is taken for one."""
_CLAIMS = ("iss", "aud", "sub", "sid", "iat", "exp")
_SHARED_KEY_CLAIMS = ("sub", "email", "iat", "exp")
_CONFIRMED = "confirmed"
"""Claim, false, of a user who has to confirm the e-mail address before selling or buying; else absent."""

_Known = tuple[CurrentUser, int]
"""The user, and the expiry in seconds since 1970."""


class TokenSigner(Protocol):
    def token(self, user: CurrentUser, email: str, /) -> str:
        """A token of a new session. email: Of the user; only the release before needs it, and reads it."""


class Ed25519Signer:
    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def token(self, user: CurrentUser, _email: str, /) -> str:
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


class SharedKeySigner:
    """Signs as the release before does, which refuses a token with an audience."""

    def __init__(self, key: str) -> None:
        self._key = key

    def token(self, user: CurrentUser, email: str, /) -> str:
        claims = {"sub": user.id, "sid": user.session_id, "email": email, **_lifetime()}
        return jwt.encode(claims, self._key, algorithm="HS256")


def signer_of(keys: SigningKeys) -> TokenSigner:
    return SharedKeySigner(keys.shared) if keys.private is None else Ed25519Signer(keys.private)


class TokenVerifier:
    """Verifies tokens. shared: The key of the release before; "" accepts none of its tokens.

    The same token is verified once: a signature doesn't change. The expiry is checked at each use.
    """

    def __init__(self, *keys: PublicKey, shared: str = "") -> None:
        self._keys = {key.id: key.verifier for key in keys}
        self._shared = shared
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
            return self._of_key(token, header) if "kid" in header else self._of_shared_key(token)
        except (jwt.InvalidTokenError, ValueError):
            return None

    def _of_key(self, token: str, header: dict[str, Any]) -> _Known | None:
        key = self._keys.get(header["kid"])
        if key is None or header.get("typ") != TYPE:
            return None
        claims = jwt.decode(
            token, key, ["EdDSA"], _options(*_CLAIMS, strict_aud=True), audience=AUDIENCE, issuer=ISSUER
        )
        session, issued = claims["sid"], claims["iat"]
        return _known(claims, session) if isinstance(session, str) and isinstance(issued, int) else None

    def _of_shared_key(self, token: str) -> _Known | None:
        if not self._shared:
            return None
        # A token with an audience is refused, so that no other JWT of this key is taken for a session.
        claims = jwt.decode(token, self._shared, ["HS256"], _options(*_SHARED_KEY_CLAIMS))
        return _known(claims, str(claims.get("sid", "")))


def verifier_of(public: str, shared: str = "", own: PrivateKey | None = None) -> TokenVerifier:
    """public: As in `JWT_PUBLIC_KEYS`. own: The key of the service that signs, where it is this one."""
    keys = public_keys(public).values()
    return TokenVerifier(*keys, *(() if own is None else (own.public,)), shared=shared)


def _lifetime() -> dict[str, Any]:
    issued = times.now()
    return {"iat": issued, "exp": issued + LIFETIME}


def _options(*required: str, **others: bool) -> Any:
    """Not `verify_iat`: another machine's clock may be a little ahead, and a refusal is remembered."""
    return {"require": list(required), "verify_iat": False, **others}


def _known(claims: dict[str, Any], session: str) -> _Known:
    may_trade = claims.get(_CONFIRMED) is not False
    return CurrentUser(str(claims["sub"]), session, may_trade), int(claims["exp"])
