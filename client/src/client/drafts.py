"""Drafts: what somebody typed into a form, carried through signing in or a change of language.

The pages on the way hold a draft in hidden fields, so no server stores it. A draft is as untrusted as any
form: the page that shows or takes it checks it as usual, and it can name the forms below alone. Only a POST
carries one, and a POST of another site is refused, so no link acts for a user. Passwords and payment tokens
are never part of one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from starlette.types import Message, Receive, Scope, Send

from common.http.request_body import MAX_BODY_BYTES

PATH = "draft"
"""Hidden field that holds the path of the draft's form. The other fields' names begin with KEPT."""
KEPT = "kept."
_SCOPE = "client.draft"

_SECRET = frozenset({"password", "token"})
_TICKET = "/tickets/[0-9a-f]{24}"
_SHOWN = re.compile(f"/tickets/new|{_TICKET}/edit|/auth/sign(in|up)")
"""Forms that are shown again, filled."""
_SENT = re.compile(f"{_TICKET}/purchase")
"""Forms without anything to type, which are sent on."""
MOST_FIELDS = 30
MOST_CHARACTERS = MAX_BODY_BYTES // 32
"""Of all names and values. In a form each takes up to 12 bytes, and a draft in a draft takes more."""


@dataclass(frozen=True, slots=True)
class Draft:
    """path: Target of the form. fields: Its fields, as typed."""

    path: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, path: str, form: Mapping[str, str]) -> "Draft | None":
        """The draft of a form; None for a form that is not carried, or for more than can be carried."""
        fields = {name: value for name, value in form.items() if name not in _SECRET}
        size = sum(len(name) + len(value) for name, value in fields.items())
        if len(fields) > MOST_FIELDS or size > MOST_CHARACTERS:
            return None
        return cls(path, fields) if _SHOWN.fullmatch(path) or _SENT.fullmatch(path) else None

    @classmethod
    def carried_by(cls, form: Mapping[str, str]) -> "Draft | None":
        """The draft in the hidden fields of another form."""
        fields = {name.removeprefix(KEPT): value for name, value in form.items() if name.startswith(KEPT)}
        return cls.of(form.get(PATH, ""), fields)

    @property
    def is_sent(self) -> bool:
        return _SENT.fullmatch(self.path) is not None

    @property
    def hidden(self) -> Mapping[str, str]:
        """The hidden fields that carry this draft."""
        return {PATH: self.path} | {KEPT + name: value for name, value in self.fields.items()}


def hidden(draft: Draft | None) -> Mapping[str, str]:
    return {} if draft is None else draft.hidden


async def shown_fields(request: Request) -> Mapping[str, str]:
    """See `DraftFields`."""
    found: Mapping[str, str] = request.scope.get(_SCOPE, {})
    return found


DraftFields = Annotated[Mapping[str, str], Depends(shown_fields)]
"""Fields of the draft that this page has to show; empty for a page that was asked for by its address."""


class Continued(Response):
    """The response of the draft's own page, as a browser with `cookies` gets it. It receives them, too.

    cookies: `Set-Cookie` values, such as that of the session which was just started.
    """

    def __init__(self, draft: Draft, cookies: Sequence[str]) -> None:
        super().__init__()
        self._draft = draft
        self._cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = urlencode(self._draft.fields).encode() if self._draft.is_sent else b""
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_draft() -> Message:
            return messages.pop() if messages else await receive()

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookies = [(b"set-cookie", cookie.encode("latin-1")) for cookie in self._cookies]
                message["headers"] = [*message["headers"], *cookies]
            await send(message)

        await scope["app"].router(self._request(scope, len(body)), receive_draft, send_with_cookies)

    def _request(self, scope: Scope, length: int) -> Scope:
        kept = [
            (name, value) for name, value in scope["headers"] if name not in (b"cookie", b"content-length")
        ]
        cookie = cookies_after(Request(scope).cookies, self._cookies)
        path = self._draft.path
        return {
            **scope,
            "method": "POST" if self._draft.is_sent else "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [*kept, (b"cookie", cookie.encode("latin-1")), (b"content-length", b"%d" % length)],
            _SCOPE: {} if self._draft.is_sent else self._draft.fields,
        }


def cookies_after(cookies: Mapping[str, str], changes: Iterable[str]) -> str:
    """The `Cookie` header that a browser with `cookies` sends after these `Set-Cookie` values."""
    now = dict(cookies)
    for change in changes:
        now.update(_pair(change))
    return "; ".join(f"{name}={value}" for name, value in now.items())


def _pair(set_cookie: str) -> Mapping[str, str]:
    try:
        return {name: morsel.coded_value for name, morsel in SimpleCookie(set_cookie).items()}
    except CookieError:
        return {}
