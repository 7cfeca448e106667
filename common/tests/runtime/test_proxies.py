"""The address that counts, on a real server, behind proxies that append to the header or overwrite it."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import ValidationError

from common.runtime.settings import ProxySettings
from tests.serving import served

BROWSER, FORGED, BALANCER, CONTROLLER = "203.0.113.50", "198.51.100.1", "10.9.0.1", "10.9.0.2"
HERE = "127.0.0.1"
"""The proxy that connects to the server."""
NETWORK = "127.0.0.1, 10.9.0.0/16"


async def seen(lines: Sequence[str], **settings: Any) -> tuple[str, str]:
    """Client's address and scheme, as an app sees them that gets these lines of `X-Forwarded-For`."""
    app = FastAPI()

    @app.get("/")
    async def show(request: Request) -> tuple[str, str]:
        return request.client.host if request.client else "", request.url.scheme

    async with served(app, ProxySettings(**settings)) as port, httpx.AsyncClient() as client:
        headers = [("X-Forwarded-For", line) for line in lines] + [("X-Forwarded-Proto", "https")]
        address, scheme = (await client.get(f"http://127.0.0.1:{port}/", headers=headers)).json()
        return address, scheme


OVERWRITTEN = [BROWSER]
APPENDED = [f"{FORGED}, {BROWSER}"]
APPENDED_AS_A_LINE = [FORGED, BROWSER]
FORGED_AT_LENGTH = [", ".join([FORGED] * 50), f"{FORGED}, {BROWSER}"]
FORMS = [OVERWRITTEN, APPENDED, APPENDED_AS_A_LINE, FORGED_AT_LENGTH]


@pytest.mark.parametrize("lines", FORMS)
@pytest.mark.parametrize("trusted", ["*", HERE, NETWORK])
async def test_behind_one_proxy_the_address_is_the_one_that_the_proxy_saw(
    trusted: str, lines: list[str]
) -> None:
    assert await seen(lines, forwarded_allow_ips=trusted) == (BROWSER, "https")


@pytest.mark.parametrize("lines", [[f"{line}, {BALANCER}" for line in lines] for lines in FORMS])
@pytest.mark.parametrize(
    "settings",
    [{"forwarded_allow_ips": "*", "forwarded_hops": 2}, {"forwarded_allow_ips": NETWORK}],
)
async def test_behind_two_proxies_the_address_is_the_one_that_the_outer_proxy_saw(
    settings: dict[str, Any], lines: list[str]
) -> None:
    assert (await seen(lines, **settings))[0] == BROWSER


async def test_an_entry_that_names_a_trusted_proxy_to_hide_behind_it_changes_nothing() -> None:
    assert (await seen([f"{CONTROLLER}, {BROWSER}"], forwarded_allow_ips=NETWORK))[0] == BROWSER


@pytest.mark.parametrize("lines", [[BROWSER], [BROWSER, FORGED]])
async def test_a_client_that_is_no_proxy_is_not_believed(lines: list[str]) -> None:
    assert await seen(lines, forwarded_allow_ips="10.9.0.0/16") == (HERE, "http")


@pytest.mark.parametrize("lines", [[], [""], [","], [f"{FORGED},"]])
async def test_without_an_entry_the_address_is_the_connections(lines: list[str]) -> None:
    assert (await seen(lines, forwarded_allow_ips="*"))[0] == HERE


async def test_a_request_that_came_past_the_outer_proxy_counts_for_its_own_address() -> None:
    assert (await seen([BROWSER], forwarded_allow_ips="*", forwarded_hops=2))[0] == BROWSER


@pytest.mark.parametrize("text", ["ingress", "10.0.0.0/40", "*, 10.0.0.1", "10.0.0.1;10.0.0.2", "10.0.0.1/8"])
def test_a_malformed_proxy_stops_the_start(text: str) -> None:
    with pytest.raises(ValidationError, match="neither"):
        ProxySettings(forwarded_allow_ips=text)
