"""Mails of sales while the mail server is away and auth is killed: `python -m infra.verify.faults.mails`.

`--away 300 --sales 200` stops the mail server for 300 s, completes 200 sales meanwhile, and sends SIGKILL to
auth after a third and after two thirds of them. One buyer's address is refused for good. Prints when the last
mail arrived after the server was back, and how many deliveries were repeated. Exits 1 if a mail is missing,
is not about its sale, or has two Message-IDs, or if the last came later than three minutes.

It starts a system of its own.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from common.persistence.mongo import Database, connect
from infra.actors.api import Api
from infra.actors.person import Person
from infra.dev.config import Config, from_env
from infra.dev.ports import free_edge
from infra.dev.spawn import raise_open_files
from infra.dev.system import MAILBOX, System
from infra.mailbox.smtp import REFUSED
from infra.mailbox.store import MOST, Store
from infra.verify.load import closed_loop

WIDTH = 8
BUYERS = 4
MOST_SALES = (MOST - 100) // 2
READY_SECONDS = 120.0
LATE_SECONDS = 180.0
"""The lease of a mail whose process was killed, and a sender's longest pause."""
_OF_THE_CALLER = ("MONGO_URI", "NATS_URL", "REDIS_URL", "MAIL_URL", "RUN_JSON")


@dataclass(frozen=True, slots=True)
class Sale:
    order_id: str
    buyer: str
    seller: str
    title: str


@dataclass(frozen=True, slots=True)
class Received:
    to: str
    subject: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """repeated: Deliveries beyond the first of a Message-ID. wrong: In words."""

    expected: int
    repeated: int
    wrong: Sequence[str]


def judge(sales: Sequence[Sale], received: Sequence[Received]) -> Verdict:
    """Compare the mails about sales with the sales: two a sale, each once in effect, none to REFUSED."""
    expected = Counter(
        (to, subject)
        for sale in sales
        for to, subject in (
            (sale.buyer, f'You bought "{sale.title}"'),
            (sale.seller, f'You sold "{sale.title}"'),
        )
        if not to.endswith(REFUSED)
    )
    distinct = {(mail.to, mail.subject, mail.message_id) for mail in received}
    found = Counter((to, subject) for to, subject, _ in distinct)
    wrong = [
        f"{subject} to {to}: {found[to, subject]} instead of {expected[to, subject]}"
        for to, subject in sorted(expected | found)
        if found[to, subject] != expected[to, subject]
    ]
    return Verdict(expected.total(), len(received) - len(distinct), wrong)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[System]:
    kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_CALLER}
    own = {"DATA_DIR": str(folder), "EDGE_PORT": str(free_edge()), "LOG_LEVEL": "ERROR"}
    config: Config = from_env({**kept, **own})
    with (folder / "log").open("w") as log:
        system = await asyncio.to_thread(System, config, log)
        try:
            await system.start()
            await asyncio.wait_for(system.ready(), READY_SECONDS)
            yield system
        finally:
            await system.stop()


@dataclass(frozen=True, slots=True)
class Outage:
    """The sales of one run. auth: Its database. killed: Processes of it."""

    system: System
    api: Api
    auth: Database
    killed: set[int] = field(default_factory=set)

    async def sell(self, count: int) -> Sequence[Sale]:
        """Complete the sales; auth is killed after a third and after two thirds of them."""
        sellers = [await Person.sign_up(self.api) for _ in range(BUYERS)]
        buyers = [await Person.sign_up(self.api) for _ in range(WIDTH)]
        buyers.append(await Person.sign_up(self.api, f"buyer@{REFUSED}"))
        await self.until_sent(len(sellers) + len(buyers))
        await self.system.processes[MAILBOX].stop()
        sales: list[Sale] = []
        kills = {count // 3, 2 * count // 3}

        async def sell(number: int) -> None:
            # The refused address buys once: of its mails none arrives.
            buyer = buyers[-1] if number == 0 else buyers[number % WIDTH]
            sales.append(await _sale(sellers[number % BUYERS], buyer, f"Seat {number}"))
            if len(sales) in kills:
                await self.kill_auth()

        await closed_loop.loop(WIDTH, count, sell)
        return sales

    async def kill_auth(self) -> None:
        """Kills its process, once there is one that was not killed before."""
        auth = self.system.processes["auth"]
        async with asyncio.timeout(READY_SECONDS):
            while auth.pid is None or auth.pid in self.killed:
                await asyncio.sleep(0.01)
        self.killed.add(auth.pid)
        os.kill(auth.pid, signal.SIGKILL)

    async def until_sent(self, count: int) -> None:
        """Returns once so many mails left the outbox. Raises TimeoutError."""
        async with asyncio.timeout(LATE_SECONDS):
            while await self.auth["mails"].count_documents({"ended": {"$exists": True}}) < count:
                await asyncio.sleep(0.05)

    async def ended(self, how: str) -> int:
        return await self.auth["mails"].count_documents({"ended": how})

    def received(self) -> Sequence[Received]:
        """The mails about sales."""
        mails = Store(self.system.config.data_dir / "mail").all()
        found = (
            Received(mail.header("To"), mail.header("Subject"), mail.header("Message-ID")) for mail in mails
        )
        return [mail for mail in found if mail.subject.startswith(("You bought", "You sold"))]


async def _sale(seller: Person, buyer: Person, title: str) -> Sale:
    ticket = await seller.sell(title=title)
    order = await buyer.buy(ticket)
    status, answer = await buyer.pay(order)
    if status != 201:
        raise RuntimeError(f"not paid: {status} {answer}")
    return Sale(order, buyer.email, seller.email, title)


async def run(folder: Path, count: int, away: float) -> int:
    async with running(folder) as system, Api(system.config.edge_url, WIDTH, retry_for=30.0) as api:
        auth = connect(system.config.mongo("auth"), "auth")
        outage = Outage(system, api, auth)
        began = time.monotonic()
        sales = await outage.sell(count)
        sold = time.monotonic() - began
        await asyncio.sleep(max(0.0, away - sold))
        waited = time.monotonic() - began
        early, before = outage.received(), await auth["mails"].count_documents({"ended": {"$exists": True}})
        await system.processes[MAILBOX].start()
        back = time.monotonic()
        try:
            await outage.until_sent(before + 2 * count)
            late = ""
        except TimeoutError:
            late = f"not all mails left the outbox within {LATE_SECONDS:.0f} s"
        took = time.monotonic() - back
        bounced = await outage.ended("bounced")
        verdict = judge(sales, outage.received())
        await auth.close()
    wrong = [*verdict.wrong, *filter(None, [late]), *(["mails arrived during the outage"] if early else [])]
    print(f"sales     {len(sales)} in {sold:.0f} s, auth killed twice; mail server away for {waited:.0f} s")
    print(f"mails     {verdict.expected}, the last {took:.1f} s after the mail server was back")
    print(f"bounced   {bounced}, of the address that is refused")
    print(f"repeated  {verdict.repeated} deliveries, with the same Message-ID")
    print(f"wrong     {len(wrong)}")
    for problem in wrong[:5]:
        print(f"          {problem}")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.faults.mails", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--sales", type=int, default=200, help=f"at most {MOST_SALES}")
    parser.add_argument("--away", type=float, default=300.0, help="seconds")
    arguments = parser.parse_args()
    if not 3 <= arguments.sales <= MOST_SALES:
        parser.error(f"--sales: from 3 to {MOST_SALES}")
    raise_open_files()
    with tempfile.TemporaryDirectory(prefix="gittix-") as folder:
        return uvloop.run(run(Path(folder), arguments.sales, arguments.away))


if __name__ == "__main__":
    sys.exit(main())
