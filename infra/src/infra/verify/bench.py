"""Cost of a request: milliseconds of the services' own CPU, beside a bare Starlette app in the same run.

`python -m infra.verify.bench` measures over 32 connections, with one process for each service, directly at
the services. It measures CPU time, not wall time: other work on the machine disturbs CPU time least. Prints
the table of "Performance" in docs/testing.md: cost per request, event latency, idle memory.
"""

import asyncio
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import uvloop

from infra.actors.api import Api
from infra.actors.person import Person
from infra.dev.ports import is_free
from infra.verify import target as targets
from infra.verify.load import closed_loop, meter
from infra.verify.load.databases import Databases
from infra.verify.load.meter import Meter
from infra.verify.target import Target

CONNECTIONS = 32
SECONDS = 4
WRITES = 2_000
LATENCY_SAMPLES = 200
SERVICES = ("auth", "tickets", "orders", "expiration", "payments", "client")
EVENT_SERVICES = ("auth", "tickets", "orders", "expiration", "worker", "payments")
QUIET_SECONDS = 2.0


class Bench:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._databases = Databases(target)
        self._idle = 0.0

    async def run(self) -> None:
        async with Api(self._target.edge, CONNECTIONS) as edge:
            self._seller = (await Person.sign_up(edge)).headers
            self._buyer = (await Person.sign_up(edge)).headers
        await asyncio.sleep(QUIET_SECONDS)
        self._print_memory()
        await self._measure_idle()
        tickets = await self._post_tickets()
        await self._get("GET one ticket", "tickets", f"/api/tickets/{tickets[0]}")
        await self._get("GET currentuser", "auth", "/api/users/currentuser", self._buyer["Cookie"])
        await self._post_orders(tickets)
        await self._latency()

    def _pids(self, names: Sequence[str]) -> list[int]:
        return [pid for name in names if (pid := self._target.pid(name)) is not None]

    def _print_memory(self) -> None:
        sizes = {
            name: meter.resident_megabytes(pid)
            for name, pid in zip(SERVICES, self._pids(SERVICES), strict=True)
        }
        each = ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())
        print(f"{'idle memory':24} {sum(sizes.values()):.0f} MB: {each}")

    async def _measure_idle(self) -> None:
        idle = Meter.start(self._pids(EVENT_SERVICES))
        await asyncio.sleep(QUIET_SECONDS)
        self._idle = idle.seconds() / QUIET_SECONDS

    async def _get(self, name: str, service: str, path: str, cookie: str = "") -> None:
        url = self._target.url(service) + path
        cost = await self._cost_of_get(url, self._pids([service]), cookie)
        async with aiohttp.ClientSession() as session, session.get(url, headers={"Cookie": cookie}) as got:
            body = await got.read()
        async with bare(body) as (bare_url, pid):
            least = await self._cost_of_get(bare_url, [pid], cookie)
        print(f"{name:24} {cost:.3f} ms CPU, {cost / least:.1f} times bare Starlette's {least:.3f} ms")

    async def _cost_of_get(self, url: str, pids: Sequence[int], cookie: str) -> float:
        await closed_loop.get(url, CONNECTIONS, 1, cookie)
        spent = Meter.start(pids)
        requests = await closed_loop.get(url, CONNECTIONS, SECONDS, cookie)
        return spent.seconds() / requests * 1000

    async def _post(self, service: str, path: str, user: dict[str, str], bodies: Sequence[Any]) -> list[str]:
        """Post each body; returns the ids of the created records."""
        ids: list[str] = []
        async with Api(self._target.url(service), CONNECTIONS) as api:

            async def send(number: int) -> None:
                status, answer = await api.call("POST", path, user, bodies[number])
                if status != 201:
                    raise RuntimeError(f"POST {path}: {status} {answer}")
                ids.append(answer["id"])

            await closed_loop.loop(CONNECTIONS, len(bodies), send)
        return ids

    async def _post_tickets(self) -> list[str]:
        bodies = [{"title": f"Bench {secrets.token_hex(4)}", "price": 20} for _ in range(WRITES)]
        await self._post("tickets", "/api/tickets", self._seller, bodies[:200])
        spent = Meter.start(self._pids(EVENT_SERVICES), self._idle)
        ids = await self._post("tickets", "/api/tickets", self._seller, bodies)
        await self._replicated(ids)
        self._print_cost("POST a ticket", spent, WRITES)
        return ids

    async def _post_orders(self, tickets: Sequence[str]) -> None:
        spent = Meter.start(self._pids(EVENT_SERVICES), self._idle)
        bodies = [{"ticketId": ticket} for ticket in tickets]
        await self._post("orders", "/api/orders", self._buyer, bodies)
        await self._replicated(tickets, version=1)
        self._print_cost("POST an order", spent, len(tickets))

    def _print_cost(self, name: str, spent: Meter, requests: int) -> None:
        each = {
            service: spent.seconds_of(pid) for service, pid in zip(EVENT_SERVICES, spent.pids, strict=True)
        }
        shares = ", ".join(f"{service} {seconds / requests * 1000:.2f}" for service, seconds in each.items())
        print(f"{name:24} {spent.seconds() / requests * 1000:.2f} ms CPU in all services: {shares}")

    async def _replicated(self, ids: Sequence[str], version: int = 0) -> None:
        """Wait until the orders database has all `ids` at `version`, and one second more."""
        async with asyncio.timeout(60):
            while True:
                found = await self._databases.in_orders(ids)
                if len(found) == len(ids) and all(state[0] >= version for state in found.values()):
                    break
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)

    async def _latency(self) -> None:
        """Measure the time to the ticket in the orders database, one ticket at a time.

        The time starts at the response, and also at the request.
        """
        after_request, after_response = [], []
        async with Api(self._target.edge, 1) as api:
            for number in range(LATENCY_SAMPLES):
                asked = time.perf_counter()
                body = {"title": f"Latency {number}", "price": 20}
                _, ticket = await api.call("POST", "/api/tickets", self._seller, body)
                answered = time.perf_counter()
                while not await self._databases.in_orders([ticket["id"]]):
                    pass
                seen = time.perf_counter()
                after_request.append((seen - asked) * 1000)
                after_response.append((seen - answered) * 1000)
        for name, values in (("response", after_response), ("request", after_request)):
            deciles = statistics.quantiles(values, n=20)
            print(f"{f'event after {name}':24} p50 {deciles[9]:.1f} ms, p95 {deciles[18]:.1f} ms")


@asynccontextmanager
async def bare(body: bytes) -> AsyncIterator[tuple[str, int]]:
    """Run a bare Starlette app that answers with `body`; yields its address and its pid."""
    port = next(port for port in range(28_000, 29_000) if is_free(port))
    command = [sys.executable, "-m", "infra.verify.load.bare", str(port)]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(body)
    process.stdin.close()
    url = f"http://127.0.0.1:{port}/"
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(15):
            while not await _answers(session, url):
                await asyncio.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def main() -> None:
    # A system that is started for this measurement has the real hold: expiring orders are not measured here.
    os.environ.setdefault("ORDER_HOLD_SECONDS", "900")
    uvloop.run(Bench(targets.find("infra.verify.bench")).run())


if __name__ == "__main__":
    main()
