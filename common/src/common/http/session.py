"""Session: a token in one HttpOnly cookie that names the current user, the same for every service.

An invalid, expired or tampered token, or one of a session that has ended, is an anonymous request, never an
error.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, TypeAlias

from fastapi import Depends, Request, Response

from common.base.errors import EmailNotConfirmed, NotAuthorized
from common.base.identity import CurrentUser
from common.base.security import SecurityEvent
from common.http import security_notes
from common.http.ended_sessions import EndedSessions
from common.http.expired_tokens import has_expired
from common.http.session_tokens import LIFETIME, TokenSigner, TokenVerifier

COOKIE_LIFETIME = 2 * LIFETIME
"""Longer than the token's, so that a returning user sees that the session has ended."""
MAX_SESSION_COOKIES = 8
"""Session cookies of one request that are read. Another host of the site can add some of the same name."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Reads and ends session cookies, by settings `COOKIE_SECURE` and `COOKIE_PORT`.

    port: Part of the cookie's name over plain http; None leaves it out.
    ended: Sessions that are over although their tokens are good.
    """

    tokens: TokenVerifier
    secure: bool
    port: int | None = None
    ended: EndedSessions = field(default_factory=EndedSessions, compare=False)

    @property
    def cookie(self) -> str:
        """`__Host-` ties the cookie to this host and to https (RFC 6265bis, section 4.1.3).

        Over plain http, the port keeps the cookies of two checkouts apart: cookies know no ports.
        """
        if self.secure:
            return "__Host-session"
        return "session" if self.port is None else f"session-{self.port}"

    def read(self, token: str | None) -> CurrentUser | None:
        user = self.tokens.user(token)
        return None if user is None or user.session_id in self.ended else user

    def of_request(self, request: Request) -> CurrentUser | None:
        """The user of the first session cookie that verifies; None without one."""
        return next((user for token in self._tokens(request) if (user := self.read(token))), None)

    def is_sent(self, request: Request) -> bool:
        """Whether the request has a session cookie, valid or not."""
        return next(self._tokens(request), None) is not None

    def is_forged(self, request: Request) -> bool:
        """Whether a session cookie, of a request without a user, has not merely expired or ended."""
        return not all(self.tokens.user(token) or has_expired(token) for token in self._tokens(request))

    def _tokens(self, request: Request) -> Iterator[str]:
        """Session cookies in the order of the header: browsers send the closest one first."""
        sent = (pair for line in request.headers.getlist("cookie") for pair in line.split(";"))
        pairs = (pair.partition("=") for pair in sent)
        tokens = (value.strip() for name, _, value in pairs if name.strip() == self.cookie)
        return islice(tokens, MAX_SESSION_COOKIES)

    def end(self, response: Response) -> None:
        self.delete_cookie(response, self.cookie)

    def set_cookie(self, response: Response, name: str, value: str, max_age: int) -> None:
        """A cookie of this site, out of reach of scripts, and over https sent by https alone.

        max_age: In seconds.
        """
        response.set_cookie(name, value, max_age=max_age, httponly=True, samesite="lax", secure=self.secure)

    def delete_cookie(self, response: Response, name: str) -> None:
        response.delete_cookie(name, httponly=True, samesite="lax", secure=self.secure)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingSessions(Sessions):
    """Sessions of the one service that begins them, which alone has the private key."""

    signer: TokenSigner

    def start(self, response: Response, user: CurrentUser) -> None:
        seconds = int(COOKIE_LIFETIME.total_seconds())
        self.set_cookie(response, self.cookie, self.signer.token(user), seconds)


def current_user(request: Request) -> CurrentUser | None:
    sessions: Sessions = request.app.state.sessions
    user = sessions.of_request(request)
    if user is None and sessions.is_forged(request):
        security_notes.note(request.scope, SecurityEvent.TOKEN_INVALID)
    return user


def signed_in(request: Request) -> CurrentUser:
    security_notes.notes(request.scope).private = True
    user = current_user(request)
    if user is None:
        raise NotAuthorized()
    return user


def trader(request: Request) -> CurrentUser:
    user = signed_in(request)
    if not user.may_trade:
        raise EmailNotConfirmed()
    return user


def _on_the_loop(dependency: Callable[[Request], object]) -> Callable[[Request], object]:
    """FastAPI runs plain functions in a thread; these take microseconds."""

    async def run(request: Request) -> object:
        return dependency(request)

    return run


MaybeUser: TypeAlias = Annotated[CurrentUser | None, Depends(_on_the_loop(current_user))]
SignedIn: TypeAlias = Annotated[CurrentUser, Depends(_on_the_loop(signed_in))]
"""A handler's first parameter: 401 comes before every other refusal."""
Trader: TypeAlias = Annotated[CurrentUser, Depends(_on_the_loop(trader))]
"""As SignedIn, where the user sells or buys: 403 until the e-mail address is confirmed, if it has to be."""
