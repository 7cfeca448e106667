"""Pages for members: a stranger is sent to sign in, and then back."""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, FastAPI, Request, Response

from client.flash import Flash
from client.rendering import see_other
from common.base.identity import CurrentUser
from common.http.session import Sessions, current_user

HOME = "/"
MAX_PATH = 500


class SignInFirst(Exception):
    """`path` is where to go on afterwards, by GET; `why` is what the visitor is told."""

    def __init__(self, path: str, why: Flash) -> None:
        super().__init__(path)
        self.path = path
        self.why = why


async def _member(request: Request) -> CurrentUser:
    user = current_user(request)
    if user is None:
        url = request.url
        path = f"{url.path}?{url.query}" if request.method == "GET" and url.query else url.path
        sessions: Sessions = request.app.state.sessions
        over = sessions.cookie in request.cookies
        raise SignInFirst(path, Flash.SESSION_OVER if over else Flash.SIGN_IN_FIRST)
    return user


Member = Annotated[CurrentUser, Depends(_member)]
"""A handler's first parameter: nothing else is looked at before."""


def sends_to_sign_in(app: FastAPI) -> None:
    @app.exception_handler(SignInFirst)
    async def _send(_request: Request, first: SignInFirst) -> Response:
        return see_other(f"/auth/signin?{urlencode({'next': first.path})}", message=first.why)


def after_sign_in(path: str | None) -> str:
    """Where to go on: anywhere of this site but to its sign-in."""
    return HOME if path is not None and path.startswith("/auth/") else local(path)


def local(path: str | None) -> str:
    """`path` where it is one of this site's own pages, else the front page.

    A browser takes `//host` and `/\\host` as another host, and drops tabs and line ends before it looks.
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
