"""Races of payments with expiry and with cancellation, many times; then every cent is accounted for.

`python -m infra.verify.faults.money [--races N] [--seed S] [--rate R]` runs N races of each of the two kinds
through the APIs. The payment is within 5 ms of the cancellation, or of the end of the hold: by turns when the
payment is sent and when its answer is expected. The cards approve, are slow, time out after the commit,
decline, fail, or need a further step; some buyers send two payments at once. Meanwhile the provider's events
arrive three times, shuffled, and forged. At the end, every complete order must be captured once and at its
price; the payments of all other orders must be voided, or never authorised. Prints a table; exits 1 on any
other result.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import uvloop

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify import target as targets
from infra.verify.faults import cases as raced
from infra.verify.faults.cases import OUTCOMES, Case, Records, judge
from infra.verify.faults.webhooks import Storm
from infra.verify.reconcile import addresses
from infra.verify.reconcile import view as reconcile
from infra.verify.reconcile.report import Report
from infra.verify.reconcile.view import View
from infra.verify.target import Target

NEAR = 0.005
POLL_SECONDS = 0.25
SWEEP_SECONDS = 1.5
PATIENCE = 90.0
CONNECTIONS = 200
REFUSALS = frozenset({400, 402})
SECRET = "whsec_of_the_races"
CARDS = {
    "tok_visa": 8,
    "tok_visa twice": 4,
    "tok_slow": 2,
    "tok_timeout": 2,
    "tok_threeDSecure": 3,
    "tok_chargeDeclined": 1,
    "tok_error": 1,
}
"""Relative frequency of each card."""


@dataclass
class Races:
    """State of the races. `hold` is the hold of this system's orders."""

    seller: Person
    buyer: Person
    hold: timedelta
    chance: random.Random
    cases: list[Case] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    answered_after: dict[str, float] = field(default_factory=lambda: {"tok_slow": 2.0})
    """Seconds that the latest payment by each card took."""

    async def run(self, against: str, card: str) -> None:
        token, _, twice = card.partition(" ")
        cents = self.chance.randint(1, 100_000)
        offset = self.chance.uniform(-NEAR, NEAR)
        ticket = await self.seller.sell(cents / 100)
        status, order = await self.buyer.order(ticket)
        if status != 201:
            self.wrong.append(f"not ordered: {status} {order}")
            return
        await self._known(order["id"])
        if further_step := token == "tok_threeDSecure":
            await self._pay(order["id"], token)
        ask = self._confirm if further_step else self._pay
        times = 2 if twice else 1
        always = token == "tok_slow"
        lead = self.answered_after.get(token, 0.0) if always or self.chance.random() < 0.5 else 0.0
        end = datetime.fromisoformat(order["expiresAt"])
        if against == "cancel":
            moment = datetime.now(UTC) + timedelta(seconds=0.02 + lead)
            against_it = [self._at(moment, self._cancel, order["id"], token)]
        else:
            moment, against_it = self._end_of(end, token), []
        asked = moment - timedelta(seconds=lead + offset)
        pays = [self._at(asked, ask, order["id"], token) for _ in range(times)]
        answers = await asyncio.gather(*pays, *against_it)
        refused = all(status in REFUSALS for status in answers[: len(pays)])
        self.wrong += [f"{against} {card}: answered {status}" for status in answers if status == 500]
        self.cases.append(Case(f"{against} {card}", order["id"], ticket, cents, refused))

    def _end_of(self, end: datetime, token: str) -> datetime:
        """Time by which the order's outcome is decided.

        From `expiresAt` on, no further payment begins. An earlier payment may still meet the timer, which
        fires within one poll interval; a further step has one more hold, and then the sweep.
        """
        if token == "tok_slow":
            return end + timedelta(seconds=self.chance.uniform(0, POLL_SECONDS))
        if token == "tok_threeDSecure":
            return end + self.hold + timedelta(seconds=self.chance.uniform(0, SWEEP_SECONDS))
        return end

    async def _at(
        self, moment: datetime, act: Callable[[str, str], Awaitable[int]], order_id: str, token: str
    ) -> int:
        await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
        return await act(order_id, token)

    async def _known(self, order_id: str) -> None:
        """Wait until the payments service has received the order's event."""
        while (await self.buyer.call("POST", "/api/payments/confirm", {"orderId": order_id}))[0] == 404:
            await asyncio.sleep(0.01)

    async def _pay(self, order_id: str, token: str) -> int:
        body = {"orderId": order_id, "token": token}
        started = time.monotonic()
        status, _ = await self.buyer.call("POST", "/api/payments", body)
        if status == 201:
            seconds = time.monotonic() - started
            self.answered_after[token] = 0.8 * self.answered_after.get(token, seconds) + 0.2 * seconds
        return status

    async def _confirm(self, order_id: str, _token: str) -> int:
        return (await self.buyer.call("POST", "/api/payments/confirm", {"orderId": order_id}))[0]

    async def _cancel(self, order_id: str, _token: str) -> int:
        return (await self.buyer.call("DELETE", f"/api/orders/{order_id}"))[0]


async def race(races: Races, count: int, rate: float) -> None:
    """Run all races, `rate` started each second, alternately against expiry and against cancellation."""
    begun = []
    started = time.monotonic()
    for number in range(2 * count):
        card = races.chance.choices(list(CARDS), list(CARDS.values()))[0]
        begun.append(asyncio.create_task(races.run(("expiry", "cancel")[number % 2], card)))
        await asyncio.sleep(max(0.0, started + (number + 1) / rate - time.monotonic()))
    await asyncio.gather(*begun)


async def settled(view: View, cases: Sequence[Case]) -> tuple[list[Records], Report]:
    """The records and the findings of `reconcile`, once all checks pass or after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        records = await raced.read(view.books, cases)
        wrong = any(judge(case, record)[1] for case, record in zip(cases, records, strict=True))
        left = max(0.0, deadline - time.monotonic())
        if not wrong or not left:
            found, _ = await reconcile.settled(view, left)
            return await raced.read(view.books, cases), found
        await asyncio.sleep(0.5)


async def storms(storm: Storm, view: View) -> None:
    """Send events about the latest intents while the races run."""
    async with aiohttp.ClientSession() as session:
        while True:
            await asyncio.sleep(0.5)
            await storm.rage(session, await raced.latest_intents(view.books, 4))


async def aftermath(storm: Storm, view: View, cases: Sequence[Case], before: list[Records]) -> None:
    """Send events about settled intents: these must change no record."""
    intents = [intent["_id"] for records in before for intent in records.intents]
    async with aiohttp.ClientSession() as session:
        await storm.rage(session, storm.chance.sample(intents, min(100, len(intents))))
    await asyncio.sleep(1)
    if await raced.read(view.books, cases) != before:
        storm.wrong.append("events after the settlement changed something")


def report(cases: Sequence[Case], records: Sequence[Records], found: Report, others: Sequence[str]) -> bool:
    """Print the table; returns whether all checks passed."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    problems = list(others)
    for case, record in zip(cases, records, strict=True):
        outcome, wrong = judge(case, record)
        counts[case.kind]["races"] += 1
        counts[case.kind][outcome] += 1
        counts[case.kind]["wrong"] += bool(wrong)
        problems += [f"{case.kind}, order {case.order_id}: {problem}" for problem in wrong]
    columns = ["races", *OUTCOMES, "wrong"]
    print(f"{'race against':26}" + "".join(f"{name:>19}" for name in columns))
    for kind in sorted(counts):
        print(f"{kind:26}" + "".join(f"{counts[kind][name]:19}" for name in columns))
    total: Counter[str] = sum(counts.values(), Counter())
    print(f"{'all':26}" + "".join(f"{total[name]:19}" for name in columns))
    print(f"reconcile: {found.summary()}")
    if not found.is_clean:
        print(found.details())
    for problem in problems[:10]:
        print(f"  {problem}")
    return not problems and found.is_clean


async def run(target: Target, count: int, seed: int, rate: float) -> int:
    print(f"seed {seed}")
    chance = random.Random(seed)
    storm = Storm(target.edge, SECRET, random.Random(seed))
    async with (
        reconcile.opened(addresses.of_record(target.record)) as view,
        Api(target.edge, CONNECTIONS) as api,
    ):
        hold = timedelta(seconds=int(os.environ["ORDER_HOLD_SECONDS"]))
        races = Races(await Person.sign_up(api), await Person.sign_up(api), hold, chance)
        raging = asyncio.create_task(storms(storm, view))
        await race(races, count, rate)
        raging.cancel()
        await asyncio.gather(raging, return_exceptions=True)
        records, found = await settled(view, races.cases)
        await aftermath(storm, view, races.cases, records)
    well = report(races.cases, records, found, [*races.wrong, *storm.wrong])
    sent: Any = storm.answers
    print(
        f"webhook: {sent['genuine']} signed events delivered, true and untrue; {sent['forged']} forged ones"
    )
    return 0 if well else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.faults.money", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--races", type=int, default=1000, help="against expiry, and as many against cancelling"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--rate", type=float, default=20.0, help="races begun a second")
    arguments = parser.parse_args()
    os.environ.setdefault("ORDER_HOLD_SECONDS", "5")
    os.environ["STRIPE_WEBHOOK_SECRET"] = SECRET
    os.environ.pop("STRIPE_KEY", None)
    target = targets.own("infra.verify.faults.money")
    return uvloop.run(run(target, arguments.races, arguments.seed, arguments.rate))


if __name__ == "__main__":
    sys.exit(main())
