"""Latency of live events on open pages: `python -m infra.verify.load.live --pages 200` prints it.

All pages are open on one ticket, through the edge, half of them for signed-in users. Meanwhile its seller
changes the price, and a buyer orders it, cancels, orders it again and pays. Prints, for each of these
actions, the time from its HTTP answer to the event's arrival on each page, and the cost of the pages in
memory and CPU of the client process. Exits 1 if a page received an event later than after one second, or
never.
"""

import argparse
import asyncio
import math
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import uvloop

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify import target as targets
from infra.verify.load.meter import Meter, resident_megabytes
from infra.verify.load.watcher import Watcher, watching_session
from infra.verify.target import Target

PAGES = 200
ROUNDS = 3
AT_MOST_SECONDS = 1.0
PATIENCE_SECONDS = 10.0
USERS = 10
LEAVING_SECONDS = 2.0
STEPS = 5


@dataclass
class Outcome:
    """Seconds from the answer to each arrival, by action."""

    took: dict[str, list[float]] = field(default_factory=dict)
    missed: int = 0

    def worst(self) -> float:
        return max((max(seconds, default=math.inf) for seconds in self.took.values()), default=math.inf)


async def step(
    outcome: Outcome,
    watchers: Sequence[Watcher],
    name: str,
    version: int,
    act: Callable[[], Awaitable[object]],
) -> None:
    """Perform the action that creates that version, and wait until every page has received it."""
    await act()
    answered = time.perf_counter()
    arrivals = await asyncio.gather(*(watcher.received(version, PATIENCE_SECONDS) for watcher in watchers))
    seconds = outcome.took.setdefault(name, [])
    # A page may receive the event before the user receives the answer.
    seconds.extend(max(0.0, at - answered) for at in arrivals if at is not None)
    outcome.missed += sum(at is None for at in arrivals)


async def story(
    outcome: Outcome, watchers: Sequence[Watcher], seller: Person, buyer: Person, ticket: str
) -> None:
    """One ticket from sale to sold; each step creates one version of it."""
    orders: list[str] = []

    async def reprice() -> None:
        await expect(seller.call("PUT", f"/api/tickets/{ticket}", {"title": "Watched", "price": 25}), 200)

    async def order() -> None:
        orders.append(await buyer.buy(ticket))

    async def cancel() -> None:
        await expect(buyer.call("DELETE", f"/api/orders/{orders[-1]}"), 204)

    async def pay() -> None:
        await expect(buyer.pay(orders[-1]), 201)

    steps = (("price", reprice), ("order", order), ("cancel", cancel), ("order", order), ("payment", pay))
    for version, (name, act) in enumerate(steps, 1):
        await step(outcome, watchers, name, version, act)
    await buyer.see(
        f"/api/tickets/{ticket}", lambda seen: seen["status"] == "sold" and seen["version"] == STEPS
    )


async def expect(call: Awaitable[tuple[int, object]], wanted: int) -> None:
    status, answer = await call
    if status != wanted:
        raise RuntimeError(f"{status} {answer}")


async def run(target: Target, pages: int, rounds: int) -> int:
    pid = target.pid("client")
    if pid is None:
        raise SystemExit("client doesn't run")
    outcome, opening = Outcome(), 0.0
    async with Api(target.edge, connections=20) as api, watching_session() as session:
        seller, buyer, *others = [await Person.sign_up(api) for _ in range(2 + USERS)]
        before = resident_megabytes(pid)
        meter, meanwhile = Meter.start([pid]), before
        for _ in range(rounds):
            ticket = await seller.sell(20, "Watched")
            async with AsyncExitStack() as stack:
                started = time.perf_counter()
                whose = [others[number % USERS].headers if number % 2 else {} for number in range(pages)]
                watchers = [
                    await stack.enter_async_context(Watcher(session, target.edge, ticket, headers))
                    for headers in whose
                ]
                states = await asyncio.gather(
                    *(watcher.received(0, PATIENCE_SECONDS) for watcher in watchers)
                )
                outcome.missed += sum(at is None for at in states)
                opening = max(opening, time.perf_counter() - started)
                await story(outcome, watchers, seller, buyer, ticket)
                meanwhile = max(meanwhile, resident_megabytes(pid))
        spent = meter.seconds()
        await asyncio.sleep(LEAVING_SECONDS)
        after = resident_megabytes(pid)
    _report(outcome, pages, rounds)
    print(f"opened    {pages} pages at once: all received the state within {opening:.2f} s")
    print(f"memory    of client: {before:.1f} MB before, {meanwhile:.1f} MB meanwhile, {after:.1f} MB after")
    each = spent / (rounds * pages * (1 + STEPS)) * 1000
    print(f"cpu       of client: {spent:.2f} s, {each:.2f} ms for each event that a page received")
    return 0 if not outcome.missed and outcome.worst() <= AT_MOST_SECONDS else 1


def _report(outcome: Outcome, pages: int, rounds: int) -> None:
    print(f"pages     {pages} on one ticket, {rounds} tickets one after the other")
    for name, took in outcome.took.items():
        took.sort()
        p50, p95, most = (1000 * _at(took, share) for share in (0.5, 0.95, 1.0))
        print(f"{name:<9} p50 {p50:.0f} ms, p95 {p95:.0f} ms, max {most:.0f} ms, {len(took)} arrivals")
    print(f"missed    {outcome.missed}")


def _at(took: Sequence[float], share: float) -> float:
    """The percentile at this share; infinite if no event arrived."""
    return took[min(int(len(took) * share), len(took) - 1)] if took else math.inf


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.load.live", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="tickets, one after the other")
    arguments = parser.parse_args()
    return uvloop.run(run(targets.find("infra.verify.load.live"), arguments.pages, arguments.rounds))


if __name__ == "__main__":
    sys.exit(main())
