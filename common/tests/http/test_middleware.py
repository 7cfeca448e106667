"""What the middleware of every request passes on, message by message."""

from collections.abc import Sequence

import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from common.http.cross_site import Site
from common.http.middleware import RequestMiddleware

WRITE: Scope = {
    **{"type": "http", "method": "POST", "path": "/things", "query_string": b""},
    **{"app": FastAPI(), "client": ("192.0.2.1", 1)},
}
DONE: Sequence[Message] = (
    {"type": "http.response.start", "status": 204, "headers": []},
    {"type": "http.response.body"},
)


async def nothing_more() -> Message:
    return {"type": "http.disconnect"}


async def done(_scope: Scope, _receive: Receive, send: Send) -> None:
    for message in DONE:
        await send({**message})


async def status_of(scope: Scope) -> int:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await RequestMiddleware(done, Site())(scope, nothing_more, send)
    status: int = sent[0]["status"]
    return status


async def test_what_is_no_request_is_passed_on_as_it_is() -> None:
    passed: list[object] = []

    async def app(*arguments: object) -> None:
        passed.extend(arguments)

    async def send(_message: Message) -> None: ...

    scope = {"type": "lifespan"}
    await RequestMiddleware(app, Site())(scope, nothing_more, send)

    assert all(given is expected for given, expected in zip(passed, (scope, nothing_more, send), strict=True))


@pytest.mark.parametrize(
    ("scheme", "origin", "status"),
    [
        ({"scheme": "https"}, b"https://a.test", 204),
        ({"scheme": "https"}, b"http://a.test", 403),
        ({"scheme": "http"}, b"http://a.test", 204),
        ({}, b"http://a.test", 204),
    ],
)
async def test_a_write_has_the_scheme_by_which_it_came(
    scheme: dict[str, str], origin: bytes, status: int
) -> None:
    """ASGI lets a server leave the scheme out where it is http."""
    scope = {**WRITE, **scheme, "headers": [(b"host", b"a.test"), (b"origin", origin)]}

    assert await status_of(scope) == status
