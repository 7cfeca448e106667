from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify.kubernetes.traffic import Traffic, flowing, selling, worst


async def answer(request: web.Request) -> web.StreamResponse:
    if request.path == "/gone":
        assert request.transport is not None
        request.transport.close()
    if request.path == "/api/users/signup":
        return web.json_response({"id": "a user"}, status=201)
    return web.json_response({"host": request.host}, status=int(request.query.get("status", 200)))


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    server = TestServer(app)
    async with server:
        yield server


@pytest.fixture
async def traffic(server: TestServer) -> AsyncIterator[Traffic]:
    async with Api(str(server.make_url("")), connections=2) as api:
        yield Traffic(api)


async def test_what_the_rules_refuse_is_an_answer(traffic: Traffic) -> None:
    await traffic.ask(Person(traffic.api, {}), "POST", "/api/orders?status=400", {})
    assert (traffic.answered, traffic.writes, traffic.failed) == (1, 0, 0)


async def test_a_write_counts_once_it_was_done(traffic: Traffic) -> None:
    await traffic.ask(Person(traffic.api, {}), "PUT", "/api/tickets/1?status=200", {})
    await traffic.ask(Person(traffic.api, {}), "GET", "/api/tickets/1")
    assert (traffic.answered, traffic.writes, traffic.failed) == (2, 1, 0)


async def test_an_error_of_the_server_is_a_failure_with_its_kind(traffic: Traffic) -> None:
    await traffic.ask(Person(traffic.api, {}), "POST", "/api/orders/7?status=502", {})
    assert (traffic.answered, traffic.failed) == (0, 1)
    assert "1 x POST /api/orders: 502" in worst(traffic.failures)


async def test_no_answer_is_a_failure(traffic: Traffic) -> None:
    assert await traffic.ask(Person(traffic.api, {}), "POST", "/gone", {}) == (0, None)
    assert "ServerDisconnectedError" in worst(traffic.failures)


async def test_the_edge_receives_the_name_of_the_site(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_HOST", "ticketing.dev")
    async with Api(str(server.make_url("")), connections=1) as api:
        assert await api.call("GET", "/", {}) == (200, {"host": "ticketing.dev"})


async def test_traffic_ends_with_every_request_answered(server: TestServer) -> None:
    async with flowing(str(server.make_url("")), selling, width=2) as traffic:
        while traffic.answered < 20:
            await traffic.api.call("GET", "/", {})
    assert traffic.answered >= 20
    assert not traffic.failed
