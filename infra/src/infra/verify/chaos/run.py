"""One run: sign-up, traffic with faults, restart of all processes, settling, verdict."""

import asyncio
import random
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from infra.actors.person import Person
from infra.dev.ports import SERVICES
from infra.verify.chaos import acknowledged
from infra.verify.chaos.faults import Faults
from infra.verify.chaos.ledger import Ledger
from infra.verify.chaos.outcome import Outcome
from infra.verify.chaos.plan import schedule
from infra.verify.chaos.shop import Shop
from infra.verify.chaos.user import User
from infra.verify.readiness import is_ready
from infra.verify.reconcile import addresses
from infra.verify.reconcile.report import Report
from infra.verify.reconcile.view import OUT_OF_REACH, View, opened
from infra.verify.target import Target

ACCOUNTS = 30
AT_A_TIME = 3
"""Concurrent actions of one account."""
UP_TIMEOUT = 60.0
DEAD_LETTERS = "no dead letter"
SIGN_INS = "acknowledged users can sign in"


@dataclass(frozen=True, slots=True)
class Options:
    """`duration` and `settle` are in seconds, `rate` in requests per second."""

    duration: float
    seed: int
    rate: float
    settle: float

    def arguments(self) -> list[str]:
        values = {"duration": self.duration, "seed": self.seed, "rate": self.rate, "settle": self.settle}
        return [word for name, value in values.items() for word in (f"--{name}", f"{value:g}")]


async def chaos(target: Target, options: Options) -> int:
    print(f"seed {options.seed}, {options.duration:g} s", flush=True)
    ledger = Ledger()
    async with Shop(target.edge, ledger, options.rate) as shop:
        async with asyncio.timeout(UP_TIMEOUT):
            accounts = await signed_up(shop)
        faults = Faults(target, schedule(options.seed, options.duration))
        until = time.monotonic() + options.duration
        users = users_of(shop, accounts, options.seed)
        await asyncio.gather(faults.run(), *(user.live(until) for user in users))
        up = await _is_up(target)
        async with opened(addresses.of_record(target.record)) as view:
            report, took = await settled(view, ledger, options.settle)
            await _signed_in(shop, accounts, report)
    outcome = Outcome(options.duration, options.seed, ledger, faults, report, took, up)
    print(outcome.text())
    return 0 if outcome.is_good else 1


async def signed_up(shop: Shop) -> list[Person]:
    """Sign up users with new e-mail addresses: the same seed may run twice on one system."""
    run = secrets.token_hex(4)
    return list(
        await asyncio.gather(*(shop.sign_up(f"u{number}-{run}@chaos.test") for number in range(ACCOUNTS)))
    )


def users_of(shop: Shop, accounts: Sequence[Person], seed: int) -> list[User]:
    return [
        User(shop, account, random.Random(f"{seed}:{number}:{lane}"))
        for number, account in enumerate(accounts)
        for lane in range(AT_A_TIME)
    ]


async def _is_up(target: Target) -> bool:
    """Whether every service reports that it is ready within a minute."""
    with suppress(TimeoutError):
        async with asyncio.timeout(UP_TIMEOUT), aiohttp.ClientSession() as http:
            for name in SERVICES:
                while not await is_ready(http, f"{target.url(name)}/readyz"):
                    await asyncio.sleep(0.2)
            return True
    return False


async def settled(view: View, ledger: Ledger, seconds: float) -> tuple[Report, float]:
    """The first report without a broken invariant, or the last report; and the seconds it took."""
    began = time.monotonic()
    while True:
        try:
            report = await view.look()
            await acknowledged.check(view.books, ledger, report)
            if 3 * ledger.longest_hold < seconds:
                await acknowledged.holds_are_over(view.books, report)
            report.equal(DEAD_LETTERS, "expected / found", 0, await view.dead_letters())
        except OUT_OF_REACH as error:
            report = Report()
            report.disagree("the system can be reached", repr(error))
        took = time.monotonic() - began
        if report.is_clean or took > seconds:
            return report, took
        await asyncio.sleep(1.0)


async def _signed_in(shop: Shop, accounts: list[Person], report: Report) -> None:
    for account in accounts[:10]:
        answer = await shop.sign_in(account)
        report.equal(SIGN_INS, f"{account.email}: expected / answered", 200, answer.status)
