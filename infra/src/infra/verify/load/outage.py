"""A long outage of one consumer: `python -m infra.verify.load.outage` prints its cost and its end.

The orders service is stopped (SIGSTOP: its connections stay open, and it answers no request) while 10,002
events accumulate: 3,334 tickets, each created and changed twice. Prints the time of a POST of a ticket before
and during the outage. Then orders continues, and the command prints the time to catch up, the memory that
this takes, and whether the replica of orders reaches the version of every ticket. Exits 1 if it doesn't.
"""

import argparse
import asyncio
import os
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import uvloop

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify import target as targets
from infra.verify.load.closed_loop import loop
from infra.verify.load.databases import Databases
from infra.verify.load.meter import resident_megabytes
from infra.verify.target import Target

FLOWS = 3_334
BEFORE = 700
WARM_UP = 200
CONNECTIONS = 20
PRICES = (5, 10, 15)
CATCH_UP_TIMEOUT = 90.0
BEHIND = "orders"


async def sell(api: Api, headers: dict[str, str], flows: int) -> list[float]:
    """Create a ticket and change it twice in each flow; returns the milliseconds of each creation."""
    took: list[float] = []

    async def flow(number: int) -> None:
        path, method = "/api/tickets", "POST"
        for price in PRICES:
            started = time.perf_counter()
            status, answer = await api.call(method, path, headers, {"title": f"No. {number}", "price": price})
            if status not in (200, 201):
                raise RuntimeError(f"{method} {path}: {status} {answer}")
            if method == "POST":
                took.append((time.perf_counter() - started) * 1000)
            path, method = f"/api/tickets/{answer['id']}", "PUT"

    await loop(CONNECTIONS, flows, flow)
    return took


async def waiting(stream: JetStream) -> int:
    """Number of events that orders has not handled yet."""
    info = await stream.client.jetstream().consumer_info(MARKETPLACE.name, BEHIND)
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def until_none_waits(stream: JetStream) -> None:
    async with asyncio.timeout(CATCH_UP_TIMEOUT):
        while await waiting(stream):
            await asyncio.sleep(0.05)


class Memory:
    """Peak memory of a process, sampled ten times a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.before = self.peak = resident_megabytes(pid)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator["Memory"]:
        task = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, resident_megabytes(self._pid))
            await asyncio.sleep(0.1)


async def run(target: Target, flows: int) -> int:
    pid = target.pid(BEHIND)
    if pid is None:
        raise SystemExit(f"{BEHIND} doesn't run")
    stream = JetStream(target.url("nats"), "outage", MARKETPLACE, None, identity=target.identity())
    await stream.connect()
    try:
        async with Api(target.edge, connections=CONNECTIONS) as api:
            seller = await Person.sign_up(api)
            await sell(api, seller.headers, WARM_UP)
            before = await sell(api, seller.headers, BEFORE)
            await until_none_waits(stream)
            os.kill(pid, signal.SIGSTOP)
            try:
                meanwhile = await sell(api, seller.headers, flows)
                piled_up = await waiting(stream)
            finally:
                os.kill(pid, signal.SIGCONT)
            async with Memory(pid).watched() as memory:
                started = time.perf_counter()
                await until_none_waits(stream)
                seconds = time.perf_counter() - started
    finally:
        await stream.close()
    async with aclosing(Databases(target)) as databases:
        tickets, replica = await databases.of_seller(seller.id)
    _report(before, meanwhile)
    print(f"piled up   {piled_up} events while {BEHIND} was stopped")
    print(f"caught up  in {seconds:.2f} s, {piled_up / seconds:.0f} events/s")
    print(f"memory     of {BEHIND}: {memory.before:.0f} MB before, {memory.peak:.0f} MB at most")
    agree = tickets == replica and len(tickets) == WARM_UP + BEFORE + flows
    print(f"replica    {len(replica)} of {len(tickets)} tickets, {'equal' if agree else 'NOT EQUAL'}")
    return 0 if agree and piled_up >= flows * len(PRICES) else 1


def _report(before: list[float], meanwhile: list[float]) -> None:
    for name, place in (("p50", 49), ("p95", 94)):
        was, became = (statistics.quantiles(took, n=100)[place] for took in (before, meanwhile))
        print(f"POST {name}   {was:.1f} ms before, {became:.1f} ms meanwhile: {became / was:.2f} times")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.load.outage", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("flows", type=int, nargs="?", default=FLOWS, help="three events each")
    arguments = parser.parse_args()
    return uvloop.run(run(targets.find("infra.verify.load.outage"), arguments.flows))


if __name__ == "__main__":
    sys.exit(main())
