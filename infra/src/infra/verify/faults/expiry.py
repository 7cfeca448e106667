"""Expiry test: many orders fall due in the same second, with or without kills of a process that they need.

`python -m infra.verify.faults.expiry [--orders N] [--kill worker|redis|nats]` prints the delay of each order:
from its `expiresAt` to the moment that the stream stored its `order.cancelled`, the last step that others
see. Exits 1 if an order ended early or twice, did not free its ticket exactly once, or was later than 2 s;
with `--kill`, later than 10 s after the killed process is back. `--kill` sends SIGKILL from a second before
the first order is due until two seconds after the last is due, as often as the runner restarts the process;
Redis also loses its data.
"""

import argparse
import asyncio
import os
import shutil
import signal
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import nats
import uvloop

from common.messaging.nats_connection import credentials
from common.persistence.mongo import connect
from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify import target as targets
from infra.verify.events import Recorded, recorded
from infra.verify.load import closed_loop
from infra.verify.load.databases import WAIT_SECONDS, Databases
from infra.verify.target import Target

WIDTH = 50
HEALTHY_SECONDS = 2.0
RECOVERY_SECONDS = 10.0
BEFORE, AFTER = timedelta(seconds=1), timedelta(seconds=2)
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Held:
    """Order, its ticket, and the end of its hold."""

    id: str
    ticket_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict on the expiry.

    `late`: seconds after `expiresAt`, one for each order; the other fields name orders or tickets in words.
    """

    late: Sequence[float]
    early: Sequence[str]
    wrong: Sequence[str]


def judge(
    orders: Sequence[Held], events: Sequence[Recorded], versions: Mapping[str, tuple[str, int]]
) -> Judgement:
    """Judge the expiry.

    `versions`: the state and the version of each order and ticket, by id, from its owner's database.
    """
    cancelled = {event.aggregate_id: event for event in events if event.kind == "order.cancelled"}
    times = Counter(event.aggregate_id for event in events if event.kind == "order.cancelled")
    freed = Counter(
        event.aggregate_id
        for event in events
        if event.kind == "ticket.updated" and event.body.get("orderId") is None
    )
    late, early, wrong = [], [], []
    for order in orders:
        if times[order.id] != 1 or versions[order.id] != ("cancelled", 1):
            wrong.append(f"order {order.id}: {versions[order.id]}, cancelled {times[order.id]} times")
        if freed[order.ticket_id] != 1 or versions[order.ticket_id] != ("free", 2):
            wrong.append(
                f"ticket {order.ticket_id}: {versions[order.ticket_id]}, freed {freed[order.ticket_id]} times"
            )
        if (event := cancelled.get(order.id)) is not None:
            late.append((event.stored_at - order.expires_at).total_seconds())
            if event.sealed_at < order.expires_at:
                early.append(f"order {order.id}: {order.expires_at - event.sealed_at} early")
    return Judgement(late, early, wrong)


async def place(target: Target, count: int) -> list[Held]:
    """Create the tickets; once the orders service has all of them, order all of them at once."""
    async with Api(target.edge, WIDTH) as api:
        seller, buyer = await Person.sign_up(api), await Person.sign_up(api)
        tickets: list[str] = []

        async def sell(_number: int) -> None:
            tickets.append(await seller.sell())

        await closed_loop.loop(WIDTH, count, sell)
    databases = Databases(target)
    while len(await databases.in_orders(tickets)) < count:
        await asyncio.sleep(0.1)
    await databases.aclose()
    async with Api(target.url("orders"), count) as api:
        here = Person(api, buyer.headers)
        answers = await asyncio.gather(*(here.order(ticket) for ticket in tickets))
    refused = [answer for status, answer in answers if status != 201]
    if refused:
        raise SystemExit(f"{len(refused)} orders refused: {refused[0]}")
    return [
        Held(order["id"], order["ticket"]["id"], datetime.fromisoformat(order["expiresAt"]))
        for _, order in answers
    ]


async def kill(target: Target, name: str, start: datetime, stop: datetime) -> datetime:
    """Kill the process repeatedly between the two moments; returns the time when it was back."""
    await asyncio.sleep((start - datetime.now(UTC)).total_seconds())
    while datetime.now(UTC) < stop:
        pid = target.pid(name)
        if pid is not None:
            if name == "redis":
                shutil.rmtree(target.record.parent / "redis", ignore_errors=True)
                (target.record.parent / "redis").mkdir()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.02)
    while target.pid(name) is None or not _serves(target, name):
        await asyncio.sleep(0.02)
    return datetime.now(UTC)


def _serves(target: Target, name: str) -> bool:
    if name == "worker":
        return True
    address = urlsplit(target.url(name))
    with suppress(OSError), socket.create_connection((str(address.hostname), address.port or 0), 0.2):
        return True
    return False


async def states(target: Target, orders: Sequence[Held]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for name, field in (("orders", "status"), ("tickets", "order_id")):
        database = connect(target.url(f"mongo_{name}"), name, wait_seconds=WAIT_SECONDS)
        ids = [order.id if name == "orders" else order.ticket_id for order in orders]
        for document in await database[name].find({"_id": {"$in": ids}}):
            state = str(document.get(field) or "free")
            found[str(document["_id"])] = (state, int(str(document["version"])))
        await database.close()
    return found


async def freed(target: Target, orders: Sequence[Held]) -> dict[str, tuple[str, int]]:
    """States of the tickets, a moment after every ticket is free again, or at the time limit."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = await states(target, orders)
        if all(found[order.ticket_id] == ("free", 2) for order in orders):
            # A duplicate effect would happen within this time.
            await asyncio.sleep(2)
            break
        await asyncio.sleep(0.2)
    return await states(target, orders)


async def run(target: Target, count: int, killed: str | None) -> int:
    orders = await place(target, count)
    first, last = min(order.expires_at for order in orders), max(order.expires_at for order in orders)
    print(f"orders    {count}, due within {(last - first).total_seconds():.2f} s")
    if (ahead := (first - datetime.now(UTC)).total_seconds()) < BEFORE.total_seconds():
        raise SystemExit(f"the first is due in {ahead:.1f} s: set ORDER_HOLD_SECONDS higher")
    back = last
    if killed is not None:
        back = await kill(target, killed, first - BEFORE, last + AFTER)
        after = (back - last).total_seconds()
        print(f"killed    {killed}, back {after:.2f} s after the last was due")
    await asyncio.sleep((last - datetime.now(UTC)).total_seconds())
    found = await freed(target, orders)
    client = await nats.connect(target.url("nats"), **credentials(target.identity()))
    events = await recorded(client, "order.cancelled", "ticket.updated")
    await client.close()
    judgement = judge(orders, events, found)
    late = judgement.late or [PATIENCE]
    print(f"early     {len(judgement.early)}")
    print(f"late      min {min(late):.2f} s, median {statistics.median(late):.2f} s, max {max(late):.2f} s")
    allowed = HEALTHY_SECONDS
    if killed is not None:
        allowed = (back - first).total_seconds() + RECOVERY_SECONDS
        at_end = max(late) - (back - last).total_seconds()
        print(f"recovery  the last one {max(0.0, at_end):.2f} s after {killed} was back")
    too_late = sum(seconds > allowed for seconds in late)
    print(f"too late  {too_late}")
    print(f"wrong     {len(judgement.wrong)}: not cancelled once, or its ticket not freed once")
    for problem in [*judgement.early, *judgement.wrong][:5]:
        print(f"          {problem}")
    return 1 if too_late or judgement.early or judgement.wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.faults.expiry", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--kill", choices=["worker", "redis", "nats"])
    arguments = parser.parse_args()
    os.environ.setdefault("ORDER_HOLD_SECONDS", "15")
    target = targets.own("infra.verify.faults.expiry")
    return uvloop.run(run(target, arguments.orders, arguments.kill))


if __name__ == "__main__":
    sys.exit(main())
