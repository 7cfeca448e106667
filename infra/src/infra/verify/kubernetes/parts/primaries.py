"""Kills of the replica sets' primaries under traffic: acknowledged writes survive, and writes resume."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.actors.person import Person
from infra.verify.chaos.buyer import Buyer
from infra.verify.chaos.ledger import Ledger
from infra.verify.chaos.run import settled, signed_up, users_of
from infra.verify.chaos.shop import Shop
from infra.verify.chaos.user import User
from infra.verify.kubernetes.application import deployment
from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.suite import SETTLE_SECONDS, Suite, Verdict
from infra.verify.reconcile import addresses
from infra.verify.reconcile.view import opened

SEED = 1
RATE = 30.0
"""Requests per second of all users together."""
LEAD_SECONDS = 5.0
WATCHED_SECONDS = 20.0
"""Seconds from before each kill: longer than MOST_SECONDS, and long enough for the killed server to be back.
"""
REACHED_SECONDS = 10.0
"""Additional seconds that kubectl may take for each kill."""
MOST_SECONDS = 15.0
"""Limit in seconds between two acknowledged writes around a kill."""
ACKNOWLEDGED: Mapping[str, Callable[[Ledger], int]] = {
    "tickets": lambda ledger: len(ledger.listings),
    "orders": lambda ledger: len(ledger.purchases),
    "payments": lambda ledger: sum(1 for purchase in ledger.purchases.values() if purchase.payment_id),
}
"""Number of acknowledged writes in each database."""
ASK = """
import asyncio, os
from common.persistence.mongo import connect
async def primary():
    return (await connect(os.environ["MONGO_URI"], "admin").command("hello"))["primary"]
print(asyncio.run(primary()))
"""
KILL = """
import os, pathlib, signal
for command in pathlib.Path("/proc").glob("[0-9]*/comm"):
    if command.read_text().strip() == "mongod":
        os.kill(int(command.parent.name), signal.SIGKILL)
"""


@dataclass(frozen=True, slots=True)
class Failover:
    """One failover. `silence`: the longest time without an acknowledged write, in seconds."""

    database: str
    killed: str
    successor: str
    silence: float


async def run(suite: Suite) -> Verdict:
    ledger, lasts = Ledger(), LEAD_SECONDS + len(ACKNOWLEDGED) * (WATCHED_SECONDS + REACHED_SECONDS)
    async with Shop(suite.target.edge, ledger, RATE) as shop:
        accounts, traders = await signed_up(shop), await signed_up(shop)
        until = time.monotonic() + lasts
        killing = asyncio.create_task(_kill_each(suite.cluster, ledger))
        lives = [user.live(until) for user in users_of(shop, accounts, SEED)]
        await asyncio.gather(*lives, *_sales(shop, traders, until))
        failovers = await killing
    await suite.cluster.whole()
    async with opened(addresses.of_record(suite.target.record)) as view:
        report, took = await settled(view, ledger, SETTLE_SECONDS)
    for line in (*map(_line, failovers), *report.details().splitlines(), *ledger.unexpected):
        print(f"          {line}", flush=True)
    resumed = all(one.silence <= MOST_SECONDS and one.successor != one.killed for one in failovers)
    acknowledged = ", ".join(f"{count(ledger):,} of {database}" for database, count in ACKNOWLEDGED.items())
    answers = ", ".join(f"{count:,} {kind}" for kind, count in sorted(ledger.answers.items()))
    figures = f"acknowledged: {acknowledged}; {report.summary()} after {took:.1f} s; {answers}"
    return Verdict(resumed and report.is_clean and not ledger.unexpected, figures)


def _sales(shop: Shop, accounts: Sequence[Person], until: float) -> Iterator[Coroutine[Any, Any, None]]:
    """Pairs of accounts that do nothing but sell, buy and pay: so many that a second hardly goes without."""
    for seller, buyer in zip(accounts[::2], accounts[1::2], strict=True):
        chance = random.Random(f"{SEED}:{seller.email}")
        yield User(shop, seller, chance).sell_to(Buyer(shop, buyer, chance), until)


def _line(failover: Failover) -> str:
    return (
        f"{failover.database:10} {failover.killed} killed, {failover.successor} took over, "
        f"at most {failover.silence:.1f} s without a write"
    )


async def _kill_each(cluster: Cluster, ledger: Ledger) -> list[Failover]:
    await asyncio.sleep(LEAD_SECONDS)
    return [await _kill(cluster, database, ledger) for database in ACKNOWLEDGED]


async def _kill(cluster: Cluster, database: str, ledger: Ledger) -> Failover:
    killed = await _primary(cluster, database)
    watching = asyncio.create_task(longest_silence(lambda: ACKNOWLEDGED[database](ledger), WATCHED_SECONDS))
    await cluster.kubectl("exec", killed, "--", "python", "-c", KILL)
    silence = await watching
    return Failover(database, killed, await _primary(cluster, database), silence)


async def _primary(cluster: Cluster, database: str) -> str:
    """Pod of the primary, as the service itself finds it."""
    host = await cluster.kubectl("exec", deployment(database), "--", "python", "-c", ASK)
    return host.partition(".")[0]


async def longest_silence(count: Callable[[], int], seconds: float) -> float:
    """Longest time for which the count did not change, within the next `seconds`."""
    ends = time.monotonic() + seconds
    last, since, longest = count(), time.monotonic(), 0.0
    while (now := time.monotonic()) < ends:
        longest = max(longest, now - since)
        if (found := count()) != last:
            last, since = found, now
        await asyncio.sleep(0.02)
    return longest
