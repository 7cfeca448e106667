"""Tells a session that has merely expired from one that is not genuine, for the security log alone."""

from time import time

import jwt

_MAX_LENGTH = 4096
"""In characters: no browser stores a longer cookie."""


def has_expired(token: str) -> bool:
    """Whether the token says so, unverified: one that is not genuine and says so gives no access either."""
    if len(token) > _MAX_LENGTH:
        return False
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return int(claims["exp"]) <= time()
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError):
        return False
