"""Pages for members: redirects a visitor to sign in, and then back."""

import posixpath
from typing import Annotated
from urllib.parse import unquote, urlencode, urlsplit

from fastapi import Depends, FastAPI, Request, Response

from client.flash import Flash
from client.rendering import see_other
from common.base.identity import CurrentUser
from common.http.session import Sessions, current_user

HOME = "/"
MAX_PATH = 500


class SignInFirst(Exception):
    """The page requires a signed-in user.

    path: Page to return to after signing in, by GET. reason: Message that the visitor sees.
    """

    def __init__(self, path: str, reason: Flash) -> None:
        super().__init__(path)
        self.path = path
        self.reason = reason


async def _member(request: Request) -> CurrentUser:
    user = current_user(request)
    if user is None:
        url = request.url
        path = f"{url.path}?{url.query}" if request.method == "GET" and url.query else url.path
        sessions: Sessions = request.app.state.sessions
        over = sessions.is_sent(request)
        raise SignInFirst(path, Flash.SESSION_OVER if over else Flash.SIGN_IN_FIRST)
    return user


Member = Annotated[CurrentUser, Depends(_member)]
"""The signed-in user. Has to be a handler's first parameter, so that it is checked before all others."""


def sends_to_sign_in(app: FastAPI) -> None:
    """Handles SignInFirst by a redirect to the sign-in page."""

    @app.exception_handler(SignInFirst)
    async def _send(_request: Request, first: SignInFirst) -> Response:
        return see_other(f"/auth/signin?{urlencode({'next': first.path})}", message=first.reason)


def after_sign_in(path: str | None) -> str:
    """Page to return to: `local(path)`, but the front page for a path under `/auth/`."""
    target = local(path)
    # As the server will read it: a browser resolves dots, and the router decodes what is percent-encoded.
    page = posixpath.normpath(unquote(urlsplit(target).path))
    return HOME if page == "/auth" or page.startswith(("/auth/", "//auth/")) else target


def local(path: str | None) -> str:
    """`path` if it is a page of this site, else the front page. Prevents open redirects.

    A browser treats `//host` and `/\\host` as another host, after it has removed tabs and line ends.
    """
    if path is None or len(path) > MAX_PATH or not path.startswith("/"):
        return HOME
    if path.startswith("//") or "\\" in path or any(c <= " " or c == "\x7f" for c in path):
        return HOME
    try:
        parts = urlsplit(path)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else path
