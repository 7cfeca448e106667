"""Pages for members: a stranger is sent to sign in, and then back."""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, FastAPI, Request, Response

from client.rendering import see_other
from common.identity import CurrentUser, current_user

HOME = "/"
MAX_PATH = 500


class SignInFirst(Exception):
    """`path` is where to go on afterwards, by GET."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


async def _member(request: Request) -> CurrentUser:
    user = current_user(request)
    if user is None:
        url = request.url
        raise SignInFirst(f"{url.path}?{url.query}" if request.method == "GET" and url.query else url.path)
    return user


Member = Annotated[CurrentUser, Depends(_member)]
"""A handler's first parameter: nothing else is looked at before."""


def sends_to_sign_in(app: FastAPI) -> None:
    @app.exception_handler(SignInFirst)
    async def _send(_request: Request, first: SignInFirst) -> Response:
        return see_other(f"/auth/signin?{urlencode({'next': first.path})}")


def local(path: str | None) -> str:
    """`path` where it is one of this site's own pages, else the front page.

    A browser takes `//host` and `/\\host` as another host, and drops tabs and line ends before it looks.
    """
    if path is None or len(path) > MAX_PATH or not path.startswith("/") or path.startswith("/auth/"):
        return HOME
    if path.startswith("//") or "\\" in path or any(c <= " " or c == "\x7f" for c in path):
        return HOME
    try:
        parts = urlsplit(path)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else path
