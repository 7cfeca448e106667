"""An event stream without room for one more event: users go on, and it ends well once there is room."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import nats
import orjson
import pytest
from tests.system.own import agreement, configuration, running, users_of

from common.messaging.nats_connection import credentials
from infra.actors.person import Person
from infra.dev.ports import SERVICES
from infra.dev.system import System

pytestmark = pytest.mark.connected

LIMIT = "max_file_store: 1MB,"
FILLER = "ticket.filler.1"
"""In the stream, and of no interest to any service."""


async def fill(system: System) -> None:
    """Publishes until a message of one byte is refused."""
    client = await nats.connect(system.config.nats(), **credentials(system.administrator))
    for body in (bytes(20_000), b"x"):
        async with asyncio.timeout(30):
            while "error" not in orjson.loads((await client.request(FILLER, body)).data):
                pass
    await client.close()


async def readiness(system: System) -> set[int]:
    found = set()
    async with aiohttp.ClientSession() as http:
        for name in SERVICES:
            async with http.get(f"http://127.0.0.1:{system.config.ports[name]}/readyz") as response:
                found.add(response.status)
    return found


def limit(conf: Path) -> None:
    conf.write_text(conf.read_text().replace("jetstream {", f"jetstream {{ {LIMIT}"))


def give_room(system: System, conf: Path) -> None:
    """Takes the limit away, and ends the server: the runner starts it again."""
    conf.write_text(conf.read_text().replace(LIMIT, ""))
    pid = system.processes["nats"].pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)


async def test_writes_of_a_full_stream_wait_in_their_outboxes_and_arrive_once_there_is_room(
    tmp_path: Path,
) -> None:
    config = configuration(tmp_path / "data")
    conf = config.data_dir / "nats" / "nats.conf"
    async with running(config, lambda: limit(conf)) as system, users_of(system) as api:
        seller, buyer = await Person.sign_up(api), await Person.sign_up(api)
        known = [await seller.sell() for _ in range(3)]
        paid, expired, _ = [await buyer.buy(ticket) for ticket in known]
        assert (await buyer.pay(paid))[0] == 201
        await buyer.see(f"/api/orders/{paid}", lambda order: order["payment"] == "captured")
        free = await seller.sell()
        await buyer.see(f"/api/tickets/{free}", lambda ticket: ticket["status"] == "available")
        await asyncio.sleep(1)
        await fill(system)

        # What one service decides by itself stands at once.
        fresh = await seller.sell(33)
        await seller.see(f"/api/tickets/{fresh}", lambda ticket: ticket["price"] == 33)
        status, order = await buyer.order(free)
        assert status == 201
        await buyer.see(f"/api/orders/{expired}", lambda seen: seen["status"] == "cancelled", timeout=15)
        # What needs an event waits.
        unknown = {"ticketId": fresh}
        assert (await buyer.call("POST", "/api/orders", unknown))[0] == 404
        body = {"orderId": order["id"], "token": "tok_visa"}
        assert (await buyer.call("POST", "/api/payments", body))[0] == 404
        assert await readiness(system) == {200}

        give_room(system, conf)
        bought = await buyer.buy(fresh)
        assert (await buyer.pay(bought))[0] == 201
        await buyer.see(f"/api/orders/{bought}", lambda seen: seen["payment"] == "captured", timeout=30)
        report = await agreement(system)
    assert report.is_clean, report.details()
