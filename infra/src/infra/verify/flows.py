"""Headline test: N flows at once, each POST a ticket at 5, PUT 10, PUT 15, all through the edge.

`python -m infra.verify.flows N [--width W] [--kill NAME,NAME…]` prints the sent and the failed requests, the
seconds to the last response, and the seconds until the tickets and the orders database agree on price 15 and
version 2 for every ticket; exits 1 if one is lost. `--kill` ends the named processes with SIGKILL during the
run. A request that an outage broke is then sent again, so that a ticket may have been created or changed
twice. Agreement then means that both databases hold the same version of every ticket, at price 15 if its flow
ended.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field

import aiohttp
import uvloop

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify import target as targets
from infra.verify.load.databases import Databases, State
from infra.verify.target import Target

PRICES = (5, 10, 15)
DONE: State = (2, 1500)
AGREE_TIMEOUT = 120.0
RIDE_OUT = 60.0


@dataclass
class Outcome:
    """Tickets of the successful flows, and the errors of the others."""

    finished: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


async def flow(api: Api, headers: dict[str, str], number: int, outcome: Outcome) -> None:
    path, method, ticket_id = "/api/tickets", "POST", ""
    try:
        for price in PRICES:
            body = {"title": f"Flow {number}", "price": price}
            status, answer = await api.call(method, path, headers, body)
            if status not in (200, 201):
                outcome.failures.append(f"{method} at {price}: {status} {answer}")
                return
            ticket_id = answer["id"]
            path, method = f"/api/tickets/{ticket_id}", "PUT"
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome.failures.append(repr(error))
        return
    outcome.finished.append(ticket_id)


async def kill(target: Target, names: list[str], api: Api, total: int) -> None:
    """SIGKILL to each named process in turn, spread over the run by the number of requests sent."""
    for place, name in enumerate(names, 1):
        while api.requests < total * place / (len(names) + 1):
            await asyncio.sleep(0.005)
        pid = target.pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            print(f"killed    {name} after {api.requests} requests")


async def agreement(target: Target, outcome: Outcome, seller: str | None) -> bool:
    """Wait for agreement of the databases; returns whether they agree in time."""
    deadline = time.perf_counter() + AGREE_TIMEOUT
    async with aclosing(Databases(target)) as databases:
        while not (agree := await agreed(databases, outcome, seller)):
            if time.perf_counter() > deadline:
                break
            await asyncio.sleep(0.02)
    return agree


async def agreed(databases: Databases, outcome: Outcome, seller: str | None) -> bool:
    if seller is None:
        for states in (databases.in_orders, databases.in_tickets):
            found = await states(outcome.finished)
            if len(found) != len(outcome.finished) or any(state != DONE for state in found.values()):
                return False
        return True
    tickets, replica = await databases.of_seller(seller)
    return tickets == replica and all(
        tickets.get(ticket_id, (0, 0))[1] == DONE[1] for ticket_id in outcome.finished
    )


async def run(target: Target, flows: int, width: int, kills: list[str]) -> int:
    outcome = Outcome()
    async with Api(target.edge, connections=width, retry_for=RIDE_OUT if kills else 0.0) as api:
        seller = await Person.sign_up(api)
        api.requests = 0
        killer = asyncio.create_task(kill(target, kills, api, flows * len(PRICES)))
        started = time.perf_counter()
        await asyncio.gather(*(flow(api, seller.headers, number, outcome) for number in range(flows)))
        answered = time.perf_counter()
        await killer
        agree = await agreement(target, outcome, seller.id if kills else None)
        settled = time.perf_counter()
    print(f"flows     {flows} at a width of {width}")
    print(f"sent      {api.requests} requests, {api.retried} of them again")
    print(f"failed    {len(outcome.failures)}")
    print(f"answered  {answered - started:.2f} s")
    print(f"agreement {f'{settled - answered:.2f} s after the last response' if agree else 'NOT REACHED'}")
    for failure in outcome.failures[:5]:
        print(f"          {failure}")
    return 0 if agree and not outcome.failures else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.flows", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("flows", type=int, nargs="?", default=400)
    parser.add_argument("--width", type=int, help="connections; by default as many as flows")
    parser.add_argument("--kill", default="", help="processes to end on the way, as tickets,orders,nats")
    arguments = parser.parse_args()
    target = targets.find("infra.verify.flows")
    kills = [name for name in arguments.kill.split(",") if name]
    return uvloop.run(run(target, arguments.flows, arguments.width or arguments.flows, kills))


if __name__ == "__main__":
    sys.exit(main())
