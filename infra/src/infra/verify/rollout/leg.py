"""One leg: forward, back and forward again between two versions, under traffic, and its verdict."""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from infra.dev import passwords, seeds
from infra.dev.config import Config, from_env
from infra.dev.keys import generated
from infra.dev.output import Output
from infra.dev.testing import running_servers
from infra.verify.chaos import run as chaos
from infra.verify.chaos.ledger import Ledger
from infra.verify.chaos.shop import Shop
from infra.verify.reconcile.addresses import DATABASES, Addresses
from infra.verify.reconcile.report import Report
from infra.verify.reconcile.view import opened
from infra.verify.rollout import judge, stream
from infra.verify.rollout.counter import CountingShop
from infra.verify.rollout.fleet import MEMBERS, Fleet, NotReady, free_ports
from infra.verify.rollout.newcomer import Newcomer, News
from infra.verify.rollout.plan import DIRECTIONS, restarts
from infra.verify.rollout.versions import ROOT, Version
from infra.verify.rollout.walk import walk

NEWCOMERS = 24
CRASHES = "no process ends by itself"
FAILED = "no request fails at a graceful replacement"
LOGS = ROOT / ".tools" / "rollout"


@dataclass(frozen=True, slots=True)
class Options:
    """`rate`: requests per second. `at_once`: processes that are replaced at the same time.

    `pause`: seconds in which all processes have the same version. `settle`: seconds to wait for agreement.
    """

    seed: int
    rate: float = 40.0
    at_once: int = 1
    pause: float = 5.0
    settle: float = 60.0


class Lives(Protocol):
    async def live(self, until: float) -> None: ...


async def run(old: Version, new: Version, options: Options, *, with_news: bool) -> bool:
    """Run a leg and print its figures; returns whether all checks passed.

    `with_news`: the new version has what `tomorrow.patch` adds; users use it, and its effects are checked.
    """
    print(f"{old.name} → {new.name}, seed {options.seed}", flush=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{new.name}.log"
    with tempfile.TemporaryDirectory(prefix="gittix-rollout-") as folder, log.open("w") as file:
        config = passwords.with_users(_config(Path(folder)))
        own = seeds.seeds(config.data_dir)
        async with running_servers(config, own):
            fleet = Fleet(config, Output(("edge", *MEMBERS), file), generated(), own)
            try:
                await fleet.start(old)
                await fleet.declare(new)
                report, ledger = await _walked(fleet, config, (old, new), options, with_news)
            except NotReady as error:
                print(_indented(f"{error}\nlog: {log}"))
                return False
            finally:
                await fleet.stop()
    is_good = report.is_clean and not ledger.unexpected
    print(_indented(judge.in_words(report, ledger) + ("" if is_good else f"\nlog: {log}")))
    return is_good


def _config(folder: Path) -> Config:
    passed = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MONGO_URI", "NATS_URL", "REDIS_URL")
    }
    ports = free_ports()
    own = {
        "DATA_DIR": str(folder),
        "EDGE_PORT": str(ports["edge"]),
        "ORDER_HOLD_SECONDS": str(judge.HOLD_SECONDS),
    }
    return replace(from_env({"LOG_LEVEL": "ERROR", **passed, **own}), ports=ports)


async def _walked(
    fleet: Fleet, config: Config, versions: tuple[Version, Version], options: Options, with_news: bool
) -> tuple[Report, Ledger]:
    ledger, news, early = Ledger(), News(), Report()
    databases = {name: config.mongo(name) for name in DATABASES}
    addresses = Addresses(databases, config.redis(), config.nats(), fleet.administrator)
    async with CountingShop(config.edge_url, ledger, options.rate) as shop, opened(addresses) as view:
        assert view.broker is not None
        declarations = stream.Declarations(view.broker, early)
        users = await _users(shop, options.seed, news if with_news else None)
        async with _living(users):
            for number, direction in enumerate(DIRECTIONS):
                await asyncio.sleep(options.pause)
                walked = await walk(
                    fleet,
                    restarts(options.seed, number, options.at_once),
                    versions[direction.forward],
                    shop,
                    declarations.look if with_news else _nothing,
                )
                print(_indented(f"{direction.name:14} {walked}"), flush=True)
                early.equal(FAILED, f"{direction.name}: expected / failed", 0, walked.failed)
            await asyncio.sleep(options.pause)
        early.equal(CRASHES, "expected / found", {}, dict(fleet.crashes()))
        report = await judge.judged(view, ledger, news if with_news else None, options.settle)
    return judge.joined(early, report), ledger


async def _nothing(_after: str) -> None:
    """Looks at no declarations: those of the release are its own."""


async def _users(shop: Shop, seed: int, news: News | None) -> Sequence[Lives]:
    accounts = await chaos.signed_up(shop)
    users: list[Lives] = [*chaos.users_of(shop, accounts, seed)]
    if news is not None:
        for number in range(NEWCOMERS):
            account = await shop.sign_up(f"newcomer-{number}@rollout.test")
            users.append(Newcomer(shop, account, random.Random(f"{seed}:new:{number}"), news))
    return users


@asynccontextmanager
async def _living(users: Sequence[Lives]) -> AsyncIterator[None]:
    """Run the users; ends once each of their requests is answered."""
    ending = asyncio.Event()

    async def live(user: Lives) -> None:
        while not ending.is_set():
            await user.live(time.monotonic() + 1.0)

    lives = [asyncio.create_task(live(user)) for user in users]
    try:
        yield
    finally:
        ending.set()
        await asyncio.gather(*lives)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
