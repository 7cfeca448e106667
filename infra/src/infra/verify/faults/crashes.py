"""Crash test: kills at the steps of a change and of a payment, and a count of the losses.

Kills processes exactly between a write, its publication, its clearing and an ack, and before and after each
call to the payment provider. `python -m infra.verify.faults.crashes [--runs N] [--seed S] [POINT…]` runs N
processes for each crash point, two at a time, each with the tickets, the orders and the payments service.
Each process sells until it passes its crash point for a random time, and dies there by SIGKILL; the next
process starts from the state that the last one left. Finally one process recovers. Then the event store is
compared with the databases: changes without an event, events without a change, versions out of order,
replicas and holds that differ. The provider's record is compared with the orders: nobody is charged twice,
nothing stays reserved, and the money is that of the complete orders. Prints a table; exits 1 on any
difference.
"""

import argparse
import asyncio
import logging
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from signal import SIGKILL
from typing import Any

import uvloop

from common.base import crash_points, times
from common.contract.stream import MARKETPLACE
from common.persistence.aggregate import Aggregate
from common.persistence.parked_messages import COLLECTION as PARKED
from common.testing.crashes import die_at
from infra.verify.faults import marketplace, provider
from infra.verify.faults.marketplace import Marketplace
from infra.verify.reconcile import holds, money, replicas, versions
from infra.verify.reconcile.report import Report
from infra.verify.reconcile.view import View

AT_ONCE = 2
SALES_AT_ONCE = 3
POINTS = (*crash_points.POINTS, *provider.POINTS)
MOST_PASSES = 12
MOST_CALLS = 4
"""As `MOST_PASSES`, of the points at a call to the provider. A sale passes each of them once or never."""
RUN_SECONDS = 30.0
RECOVERY_SECONDS = 90.0
SOON = timedelta(minutes=5)
"""Later than the next look at any charge but those of orders that are not over."""
NO_DEAD_LETTER = "no dead letter"
RECOVERED = "nothing is left to do after the recovery"

# A fork of a process that has loaded all code and started no thread costs milliseconds, not a second.
_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Place:
    """Servers, and the data of one crash point: database name, and file of the acknowledged changes."""

    mongo_uri: str
    nats_url: str
    name: str
    acknowledged: Path

    @classmethod
    def of(cls, point: str, folder: Path) -> "Place":
        return cls(
            os.environ["TEST_MONGO_URI"], os.environ["TEST_NATS_URL"], f"crash-{point}", folder / point
        )

    def running(self) -> Any:
        return marketplace.running(self.mongo_uri, self.nats_url, self.name)

    def versions_acknowledged(self) -> dict[str, int]:
        acknowledged: dict[str, int] = {}
        for line in self.acknowledged.read_text().splitlines() if self.acknowledged.exists() else []:
            record_id, _, version = line.partition(" ")
            acknowledged[record_id] = max(int(version), acknowledged.get(record_id, -1))
        return acknowledged


async def clear(place: Place) -> None:
    """Delete the data of the crash point before: empty the stream, then create indexes and consumers."""
    async with place.running() as shop:
        context = shop.stream.client.jetstream()
        for name in (MARKETPLACE.name, MARKETPLACE.dead_letters):
            await context.purge_stream(name)
    async with place.running() as shop:
        await _settled(shop)


async def sell_and_die(place: Place, point: str, passes: int, seed: int) -> None:
    """Sell until the crash point kills this process; never returns by itself.

    The acknowledged changes are on disk, so they survive the crash.
    """
    chance = random.Random(seed)
    file = os.open(place.acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def acknowledged(record: Aggregate) -> None:
        os.write(file, f"{record.id} {record.version}\n".encode())

    async with place.running() as shop:
        die_at(point, passes, POINTS)
        while True:
            await asyncio.gather(*(shop.sale(chance, acknowledged) for _ in range(SALES_AT_ONCE)))


async def recover(place: Place) -> Report:
    """Findings of `reconcile` once nothing is left to do, or after `RECOVERY_SECONDS`."""
    report = Report()
    async with place.running() as shop:
        try:
            async with asyncio.timeout(RECOVERY_SECONDS):
                await _settled(shop)
        except TimeoutError:
            pass
        report.equal(RECOVERED, "expected / found", 0, await _unfinished(shop))
        view = View(shop.books, None, shop.stream.client)
        await holds.check(shop.books, report)
        await replicas.check(shop.books, report)
        await money.check(shop.books, report)
        await view.look_at_events(report)
        await versions.confirmed(shop.books, place.versions_acknowledged(), report)
        report.equal(NO_DEAD_LETTER, "expected / found", 0, await view.dead_letters())
    return report


async def _settled(shop: Marketplace) -> None:
    """Wait until nothing is left to do, twice in a row."""
    calm = 0
    while calm < 2:
        calm = calm + 1 if await _unfinished(shop) == 0 else 0
        await asyncio.sleep(0.2)


async def _unfinished(shop: Marketplace) -> int:
    """Number of events to publish or to handle, charges to look at, and payments to settle."""
    books, waiting = shop.books, 0
    services = (("tickets", books.tickets), ("orders", books.orders), ("payments", books.payments))
    for name, database in services:
        waiting += await database[name].count_documents({"outbox.at": {"$exists": True}})
        waiting += await database[PARKED].count_documents({})
    soon = times.now() + SOON
    waiting += await books.payments["attempts"].count_documents({"due_at": {"$lte": soon}})
    waiting += await books.payments["payments"].count_documents({"status": "authorized"})
    consumers = await shop.stream.client.jetstream().consumers_info(MARKETPLACE.name)
    ours = [consumer for consumer in consumers if consumer.name in dict(services)]
    for consumer in ours:
        waiting += (consumer.num_pending or 0) + (consumer.num_ack_pending or 0)
    return waiting + len(services) - len(ours)


def _child(work: Callable[[], Coroutine[Any, Any, Any]]) -> BaseProcess:
    def run() -> None:
        logging.disable(logging.ERROR)
        uvloop.run(work())

    process = _fork.Process(target=run, daemon=True)
    process.start()
    return process


def _result(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run `work` in its own process and return its result.

    This process stays without threads, so that it can fork.
    """
    ours, theirs = _fork.Pipe(duplex=False)

    async def send() -> None:
        theirs.send(await work())

    process = _child(send)
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"no verdict: the process ended with {process.exitcode}") from None
    finally:
        process.join()


def kill_all(place: Place, point: str, runs: int, chance: random.Random) -> int:
    """Run the processes; returns how many of them died at the crash point."""
    died, left, alive = 0, runs, list[BaseProcess]()
    most = MOST_CALLS if point in provider.POINTS else MOST_PASSES
    while left or alive:
        while left and len(alive) < AT_ONCE:
            passes, seed = chance.randint(1, most), chance.getrandbits(32)
            alive.append(_child(lambda p=passes, s=seed: sell_and_die(place, point, p, s)))  # type: ignore[misc]
            left -= 1
        first = alive.pop(0)
        first.join(RUN_SECONDS)
        died += first.exitcode == -SIGKILL
        if first.exitcode is None:
            first.kill()
            first.join()
    return died


def crash(point: str, runs: int, seed: int, folder: Path) -> bool:
    """Run one crash point and print its table row; returns whether all checks passed."""
    started, place = time.perf_counter(), Place.of(point, folder)
    _result(lambda: clear(place))
    died = kill_all(place, point, runs, random.Random(f"{seed} {point}"))
    report: Report = _result(lambda: recover(place))
    seconds = time.perf_counter() - started
    found = report.findings
    changes, phantom = found[versions.COMPLETE].compared, found[versions.SAVED].disagreements
    lost = sum(finding.disagreements for finding in found.values()) - phantom
    print(f"{point:16} {died:6} {changes:8} {lost:6} {phantom:8} {seconds:8.1f}", flush=True)
    if not report.is_clean:
        print(report.details())
    return died == runs and report.is_clean


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.faults.crashes", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("points", nargs="*", metavar="POINT", help=f"of {', '.join(POINTS)}")
    parser.add_argument("--runs", type=int, default=250, help="kills at each point")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    if "TEST_NATS_URL" not in os.environ:
        python = [sys.executable, "-m"]
        command = [*python, "infra.dev.testing", "--", *python, "infra.verify.faults.crashes", *sys.argv[1:]]
        os.execv(sys.executable, command)
    print(f"seed {arguments.seed}")
    print(
        f"{'killed at':16} {'died':>6} {'changes':>8} {'lost':>6} {'phantom':>8} {'seconds':>8}", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="gittix-crashes-") as folder:
        results = [
            crash(point, arguments.runs, arguments.seed, Path(folder)) for point in arguments.points or POINTS
        ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
