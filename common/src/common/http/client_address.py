"""Whom a service of ours works for, in its own word.

The pages call the APIs through the edge, and an edge that believes nobody puts the caller's address, the
pages' own, in the place of the browser's. What is signed with the key that services share needs no belief.
"""

from dataclasses import dataclass
from datetime import timedelta

import jwt

from common.base import times
from common.http.session import ALGORITHM, LONGEST

HEADER = "X-Client-Address"
LIFETIME = timedelta(minutes=1)
_AUDIENCE = "client address"
"""So that it is no session, and a session is no such word."""


@dataclass(frozen=True, slots=True)
class Vouching:
    """Signs and reads the header's value, by setting `JWT_KEY`."""

    key: str

    def word(self, address: str) -> str:
        claims = {"aud": _AUDIENCE, "sub": address, "exp": times.now() + LIFETIME}
        return jwt.encode(claims, self.key, algorithm=ALGORITHM)

    def read(self, word: str | None) -> str | None:
        """The address, None where nobody vouches for one."""
        if word is None or len(word) > LONGEST:
            return None
        try:
            claims = jwt.decode(
                word,
                self.key,
                algorithms=[ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["aud", "sub", "exp"]},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        return str(claims["sub"])
