"""Signed header that carries the browser's IP address from the pages to an API.

The pages call the APIs through the edge. An edge that trusts no `X-Forwarded-For` replaces the browser's
address by the caller's, which is the pages' own. The signature, by a key that only the pages and the API
have, proves the address. With that key stolen one can misstate addresses, and nothing else.
"""

from dataclasses import dataclass
from datetime import timedelta

import jwt
from starlette.requests import Request

from common.base import times
from common.http.session_tokens import MAX_TOKEN_LENGTH

ALGORITHM = "HS256"
HEADER = "X-Client-Address"
LIFETIME = timedelta(minutes=1)
_AUDIENCE = "client address"
"""Keeps this token and a session token from being taken for each other."""


def of_connection(request: Request) -> str:
    """The address of the connection or, behind a trusted proxy, of its client; "" if unknown."""
    return request.client.host if request.client else ""


@dataclass(frozen=True, slots=True)
class SignedClientAddress:
    """Signs and reads the header's value. `key` is the setting `CLIENT_ADDRESS_KEY`."""

    key: str

    def token(self, address: str) -> str:
        claims = {"aud": _AUDIENCE, "sub": address, "exp": times.now() + LIFETIME}
        return jwt.encode(claims, self.key, algorithm=ALGORITHM)

    def of_request(self, request: Request) -> str:
        """The address that the pages have signed; without a good one, the connection's."""
        return self.read(request.headers.get(HEADER)) or of_connection(request)

    def read(self, token: str | None) -> str | None:
        """The address; None for a missing, forged or expired token."""
        if token is None or len(token) > MAX_TOKEN_LENGTH:
            return None
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=[ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["aud", "sub", "exp"]},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        return str(claims["sub"])
