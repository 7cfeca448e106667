"""The entry of `X-Forwarded-For` that counts, without a server: `test_proxies.py` has one."""

from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive, Scope, Send

from common.runtime.proxies import behind_proxies

BROWSER, FORGED, INNER, PROXY = "203.0.113.50", "198.51.100.1", "10.9.0.1", "127.0.0.1"


async def receive() -> Message:
    raise AssertionError


async def send(_: Message) -> None:
    raise AssertionError


async def passed_on(lines: Sequence[str], trusted: str, hops: int, kind: str = "http") -> Scope:
    """The scope that the app gets, with these lines of the header among others."""
    passed: list[tuple[Scope, Receive, Send]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append((scope, receive, send))

    forwarded = [(b"x-forwarded-for", line.encode()) for line in lines]
    headers = [(b"host", b"a.test"), *forwarded, (b"x-forwarded-proto", b"https")]
    scope: Scope = {"type": kind, "client": (PROXY, 5000), "scheme": "http", "headers": headers}
    await behind_proxies(app, trusted, hops)(scope, receive, send)
    ((seen, *channels),) = passed
    assert channels == [receive, send]
    assert (b"host", b"a.test") in seen["headers"]
    return seen


@pytest.mark.parametrize(
    ("lines", "hops", "address"),
    [
        ([BROWSER], 1, BROWSER),
        ([f"{FORGED}, {BROWSER}"], 1, BROWSER),
        ([FORGED, BROWSER], 1, BROWSER),
        ([f"{FORGED},{FORGED}", f"{FORGED}, {BROWSER}"], 1, BROWSER),
        ([f"{FORGED}, {BROWSER}, {INNER}"], 2, BROWSER),
        ([f"{FORGED}, {BROWSER}", INNER], 2, BROWSER),
        ([f"{BROWSER}, {INNER}"], 2, BROWSER),
        ([BROWSER], 2, BROWSER),
        ([f"{BROWSER}, {INNER}"], 3, BROWSER),
    ],
)
async def test_where_proxies_alone_can_connect_the_entry_at_the_place_of_the_outermost_counts(
    lines: Sequence[str], hops: int, address: str
) -> None:
    seen = await passed_on(lines, "*", hops)

    assert seen["client"][0] == address
    assert seen["scheme"] == "https"
    assert [value for name, value in seen["headers"] if name == b"x-forwarded-for"] == [address.encode()]


async def test_with_named_proxies_the_last_entry_of_none_of_them_counts() -> None:
    seen = await passed_on([f"{FORGED}, {BROWSER}, {INNER}"], f"{PROXY}, 10.9.0.0/16", 1)

    assert seen["client"][0] == BROWSER


@pytest.mark.parametrize("lines", [[], [""]])
async def test_without_an_entry_the_address_is_the_connections(lines: Sequence[str]) -> None:
    assert (await passed_on(lines, "*", 1))["client"] == (PROXY, 5000)


async def test_a_scope_that_is_no_request_is_passed_on_as_it_is() -> None:
    lines = [f"{FORGED}, {BROWSER}"]

    seen = await passed_on(lines, "*", 1, kind="lifespan")

    assert [value.decode() for name, value in seen["headers"] if name == b"x-forwarded-for"] == lines
