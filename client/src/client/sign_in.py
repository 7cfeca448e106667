"""Pages for members: redirects a visitor to sign in, and then back."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote, urlencode, urlsplit

from fastapi import Depends, FastAPI, Request, Response

from client import own_cookies
from client.drafts import Draft, hidden, shown_fields
from client.flash import MESSAGES, Flash
from client.forms import form_of, key_of, new_key
from client.refusals import FormInvalid
from client.rendering import Page, see_other
from common.base.identity import CurrentUser
from common.http.security_notes import notes
from common.http.session import Sessions, current_user

HOME = "/"
SIGN_IN = "/auth/signin"
SIGN_UP = "/auth/signup"
TEMPLATES = {SIGN_IN: "signin.html", SIGN_UP: "signup.html"}
PROBE = "cookies"
"""Cookie whose absence shows that the browser stores no cookies."""
PROBE_SECONDS = 30 * 24 * 3600
MAX_PATH = 500
"""In characters: a Chinese one is nine in an address."""

AGAIN = {Flash.SIGN_IN_FIRST: Flash.SIGN_IN_TO_KEEP, Flash.SESSION_OVER: Flash.SESSION_OVER_KEPT}
"""Message to a visitor whose form is kept, by the message to one without."""


class SignInFirst(Exception):
    """The page requires a signed-in user.

    path: Page to return to after signing in, by GET. reason: Message that the visitor sees.
    draft: The form that the visitor sent, to go on with instead.
    """

    def __init__(self, path: str, reason: Flash, draft: Draft | None = None) -> None:
        super().__init__(path)
        self.path = path
        self.reason = reason
        self.draft = draft


async def _member(request: Request) -> CurrentUser:
    notes(request.scope).private = True
    user = current_user(request)
    if user is None:
        raise await _first(request)
    return user


async def _first(request: Request) -> SignInFirst:
    url = request.url
    sessions: Sessions = request.app.state.sessions
    reason = Flash.SESSION_OVER if sessions.is_sent(request) else Flash.SIGN_IN_FIRST
    draft = await _draft(request)
    if draft is not None:
        return SignInFirst(url.path, Flash.SIGN_IN_TO_BUY if draft.is_sent else AGAIN[reason], draft)
    query = f"?{url.query}" if request.method == "GET" and url.query else ""
    return SignInFirst(f"{url.path}{query}", reason)


async def _draft(request: Request) -> Draft | None:
    """The form that the visitor sent, or the one that this page had to show."""
    if request.method == "GET":
        shown = await shown_fields(request)
        return Draft.of(request.url.path, shown) if shown else None
    try:
        return Draft.of(request.url.path, await form_of(request))
    except FormInvalid:
        return None


Member = Annotated[CurrentUser, Depends(_member)]
"""The signed-in user. Has to be a handler's first parameter, so that it is checked before all others."""


def sends_to_sign_in(app: FastAPI) -> None:
    """Handles SignInFirst: the sign-in page, with the visitor's form in it, or a redirect to it."""

    @app.exception_handler(SignInFirst)
    async def _send(request: Request, first: SignInFirst) -> Response:
        if first.draft is None:
            return see_other(f"{SIGN_IN}?{urlencode({'next': first.path})}", message=first.reason)
        words = MESSAGES[first.reason]
        return entry_page(Page(request), SIGN_IN, Entry(first.path, draft=first.draft), 401, flash=words)


@dataclass(frozen=True, slots=True)
class Entry:
    """A form to sign in or up. next: Page that follows. draft: Form that goes on instead of it.

    key: Of a sign-up that was sent; "" for a new one.
    """

    next: str
    email: str = ""
    draft: Draft | None = None
    key: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str], path: str | None = None) -> "Entry":
        """The form as it was sent. path: The page that follows, where it doesn't say."""
        following = after_sign_in(form.get("next", path))
        return cls(following, form.get("email", ""), Draft.carried_by(form), key_of(form))


def entry_page(page: Page, form: str, entry: Entry, status: int = 200, **context: Any) -> Response:
    """The page of a form to sign in or up. form: Its path. Leaves a cookie, as a test of the browser."""
    fields = {"email": entry.email, "next": entry.next, **hidden(entry.draft)}
    typed = Draft(form, fields).hidden if entry.email or entry.draft else {}
    key = entry.key or new_key()
    shown = {
        "email": entry.email,
        "next": entry.next,
        "key": key,
        "draft": hidden(entry.draft),
        "typed": typed,
    }
    response = page(TEMPLATES[form], status, **shown, **context)
    own_cookies.leave(response, page.sessions, PROBE, "kept", PROBE_SECONDS)
    return response


def refuses_cookies(request: Request) -> bool:
    """Whether a browser sent a form to sign in or up without the cookie that its page left, or any other."""
    return not request.cookies and request.headers.get("sec-fetch-site") == "same-origin"


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
    if path is None or len(path) > 12 * MAX_PATH or len(unquote(path)) > MAX_PATH or not path.startswith("/"):
        return HOME
    if path.startswith("//") or "\\" in path or any(c <= " " or c == "\x7f" for c in path):
        return HOME
    try:
        parts = urlsplit(path)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else path
