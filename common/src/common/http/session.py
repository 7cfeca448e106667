"""Session: a JWT in one HttpOnly cookie that names the current user, the same for every service.

An invalid, expired or tampered token is an anonymous request, never an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from time import time
from typing import Annotated, TypeAlias

import jwt
from fastapi import Depends, Request, Response

from common.base import times
from common.base.errors import NotAuthorized
from common.base.identity import CurrentUser

ALGORITHM = "HS256"
LIFETIME = timedelta(days=7)
COOKIE_LIFETIME = 2 * LIFETIME
"""Longer than the token's, so that a returning user sees that the session has ended."""
MAX_TOKEN_LENGTH = 4096
"""In characters. No browser stores a longer cookie, so a longer token is not cached."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Issues and reads session cookies, by settings `JWT_KEY` and `COOKIE_SECURE`."""

    key: str
    secure: bool

    @property
    def cookie(self) -> str:
        """`__Host-` ties the cookie to this host and to https (RFC 6265bis, section 4.1.3)."""
        return "__Host-session" if self.secure else "session"

    def token(self, user: CurrentUser) -> str:
        issued = times.now()
        claims = {"sub": user.id, "email": user.email, "iat": issued, "exp": issued + LIFETIME}
        return jwt.encode(claims, self.key, algorithm=ALGORITHM)

    def read(self, token: str | None) -> CurrentUser | None:
        if token is None or len(token) > MAX_TOKEN_LENGTH:
            return None
        known = _verified(token, self.key)
        return known[0] if known is not None and known[1] > time() else None

    def start(self, response: Response, user: CurrentUser) -> None:
        response.set_cookie(
            self.cookie,
            self.token(user),
            max_age=int(COOKIE_LIFETIME.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=self.secure,
        )

    def end(self, response: Response) -> None:
        response.delete_cookie(self.cookie, httponly=True, samesite="lax", secure=self.secure)


@lru_cache(maxsize=4096)
def _verified(token: str, key: str) -> tuple[CurrentUser, int] | None:
    """The user and the expiry (seconds since 1970) of a token with a good signature.

    The same token is verified once: a signature doesn't change; the expiry is checked at each use.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            # Not `iat`: another machine's clock may be a little ahead, and the refusal would be remembered.
            options={"require": ["sub", "email", "iat", "exp"], "verify_iat": False},
        )
        return CurrentUser(str(claims["sub"]), str(claims["email"])), int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError):
        return None


def current_user(request: Request) -> CurrentUser | None:
    sessions: Sessions = request.app.state.sessions
    return sessions.read(request.cookies.get(sessions.cookie))


def signed_in(request: Request) -> CurrentUser:
    user = current_user(request)
    if user is None:
        raise NotAuthorized()
    return user


def _on_the_loop(dependency: Callable[[Request], object]) -> Callable[[Request], object]:
    """FastAPI runs plain functions in a thread; these take microseconds."""

    async def run(request: Request) -> object:
        return dependency(request)

    return run


MaybeUser: TypeAlias = Annotated[CurrentUser | None, Depends(_on_the_loop(current_user))]
SignedIn: TypeAlias = Annotated[CurrentUser, Depends(_on_the_loop(signed_in))]
"""A handler's first parameter: 401 comes before every other refusal."""
