"""The middleware of bodies, message by message: what a real connection can't be made to do in order."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.base.errors import TooLarge
from common.http import request_body
from common.http.request_body import MAX_BODY_BYTES, BodyMiddleware, refuse_announced

START: Message = {"type": "http.response.start", "status": 401, "headers": []}
END: Message = {"type": "http.response.body", "body": b"no"}
CLOSE = (b"connection", b"close")
SHORT_SECONDS = 0.05
"""Much shorter than the wait for a small body, and longer than no wait at all."""


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def soon() -> Message:
    """The end of a body, after SHORT_SECONDS."""
    await asyncio.sleep(SHORT_SECONDS)
    return part(b"", more=False)


def these(*messages: Message, then: Receive = never) -> Receive:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0) if left else await then()

    return receive


async def refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    await send(END)


async def answers(
    app: ASGIApp, headers: Iterable[tuple[bytes, bytes]], receive: Receive
) -> Sequence[Message]:
    """The messages that the server is given."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await BodyMiddleware(app)({"type": "http", "headers": list(headers)}, receive, send)
    return sent


def length(count: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % count)


CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "lifespan"},
        {"type": "http", "headers": []},
        {"type": "http", "headers": [(b"host", b"a.test"), length(0)]},
    ],
    ids=["lifespan", "without a length", "empty"],
)
async def test_what_has_no_body_is_passed_on_as_it_is(scope: Scope) -> None:
    passed: list[object] = []

    async def app(*arguments: object) -> None:
        passed.extend(arguments)

    async def send(_message: Message) -> None: ...

    await BodyMiddleware(app)(scope, never, send)

    assert all(given is expected for given, expected in zip(passed, (scope, never, send), strict=True))


@pytest.mark.parametrize("header", [length(2), CHUNKED])
async def test_an_answer_after_the_body_is_sent_as_it_is(header: tuple[bytes, bytes]) -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await refuse(_scope, receive, send)

    sent = await answers(app, [header], these(part(b"a", more=True), {"type": "http.request", "body": b"b"}))

    assert sent == [START, END]


async def test_an_answer_in_parts_is_sent_before_the_rest_of_the_body_is_dropped() -> None:
    sent: list[Message] = []
    sent_by_the_drop: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await send(END)

    async def receive() -> Message:
        if len(sent) < 2:
            return await never()
        sent_by_the_drop[:] = sent
        return part(b"", more=False)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [length(MAX_BODY_BYTES + 1)]}
    await BodyMiddleware(app)(scope, receive, send)

    assert sent_by_the_drop == [
        {**START, "headers": [CLOSE]},
        {"type": "http.response.body", "body": b"first", "more_body": True},
        {**END, "more_body": True},
    ]
    assert sent == [*sent_by_the_drop, {"type": "http.response.body", "body": b"", "more_body": False}]


@pytest.mark.parametrize("header", [length(MAX_BODY_BYTES + 1), (b"content-length", b"many")])
async def test_a_refusal_does_not_wait_for_a_body_that_was_announced_wrongly(
    header: tuple[bytes, bytes],
) -> None:
    start, *_ = await answers(refuse, [header], these(then=soon))

    assert start["headers"] == [CLOSE]


async def test_a_refusal_does_not_wait_for_a_body_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0)

    start, *_ = await answers(refuse, [length(5)], these(then=soon))

    assert start["headers"] == [CLOSE]


@pytest.mark.parametrize("header", [length(5), CHUNKED])
async def test_a_refusal_waits_for_a_small_body_and_keeps_the_connection(header: tuple[bytes, bytes]) -> None:
    assert await answers(refuse, [header], these(then=soon)) == [START, END]


async def test_a_body_that_was_asked_for_is_waited_for_like_another() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await refuse(scope, receive, send)

    headers = [length(5), (b"expect", b"100-Continue")]

    assert await answers(app, headers, these(part(b"hel", more=True), then=soon)) == [START, END]


async def test_a_handler_may_wait_for_the_client_to_leave_after_its_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No bound of the body counts for what is not the body."""
    monkeypatch.setattr(request_body, "BODY_SECONDS", SHORT_SECONDS / 2)
    received: list[Message] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        received.extend([await receive(), await receive()])

    async def left() -> Message:
        await asyncio.sleep(SHORT_SECONDS)
        return {"type": "http.disconnect"}

    await answers(app, [length(5)], these(part(b"hello", more=False), then=left))

    assert [message["type"] for message in received] == ["http.request", "http.disconnect"]


async def test_a_body_that_is_read_after_the_answer_began_is_not_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It could not be: the status was sent."""
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0)
    received: list[Message] = []

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        received.append(await receive())
        await send(END)

    await answers(app, [length(5)], these(then=soon))

    assert received == [part(b"", more=False)]


def test_a_length_with_leading_zeros_is_read_up_to_eighteen_digits() -> None:
    """Past them the work on the digits is refused with the body."""
    refuse_announced("5".zfill(18))
    with pytest.raises(TooLarge):
        refuse_announced("5".zfill(19))
