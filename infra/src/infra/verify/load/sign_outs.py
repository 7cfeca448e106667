"""Time until a session that was signed out is anonymous everywhere: `python -m infra.verify.load.sign_outs`.

In each round a user signs in, opens a live page and signs out; a copy of the cookie is then tried on every
service with a session. Prints, for each of them and for the page, the time from the answer to the sign-out.
Exits 1 if the 99th percentile of one is above a second.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import uvloop

from infra.actors.api import Api
from infra.actors.person import PASSWORD, Person
from infra.verify import target as targets
from infra.verify.load.watcher import Watcher, watching_session
from infra.verify.target import Target

ROUNDS = 200
AT_MOST_SECONDS = 1.0
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.002
SERVICES = ("auth", "tickets", "orders", "payments", "client")
PAGE = "live page"
IN_WORDS = "Sign Out"


async def is_known(person: Person, service: str) -> bool:
    """Whether the service takes the person's cookie for a session."""
    match service:
        case "auth":
            _, body = await person.call("GET", "/api/users/currentuser")
            return body["currentUser"] is not None
        case "tickets":
            status, _ = await person.call("GET", "/api/tickets?seller=me")
        case "orders":
            status, _ = await person.call("GET", "/api/orders")
        case "payments":
            status, _ = await person.call("POST", "/api/payments", {"orderId": "x", "token": "tok_visa"})
        case _:
            reply = await person.api.send("GET", "/", person.headers)
            return IN_WORDS in reply.content.decode()
    return status != 401


async def seconds_until_anonymous(person: Person, service: str, since: float) -> float:
    """Raises TimeoutError after PATIENCE_SECONDS."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await is_known(person, service):
            await asyncio.sleep(PAUSE_SECONDS)
    return time.perf_counter() - since


@dataclass
class Shop:
    """Where the rounds take place: a user, and a ticket whose page is open."""

    api: Api
    pages: aiohttp.ClientSession
    edge: str
    user: Person
    ticket: str

    @classmethod
    async def open(cls, api: Api, pages: aiohttp.ClientSession, edge: str) -> "Shop":
        seller = await Person.sign_up(api)
        return cls(api, pages, edge, await Person.sign_up(api), await seller.sell())

    async def sign_in(self) -> Person:
        return await Person.enter(self.api, self.user.email, PASSWORD)

    async def round(self) -> Mapping[str, float]:
        """Seconds from the answer to the sign-out, by service; 0 for what was anonymous before it."""
        person = await self.sign_in()
        known = await asyncio.gather(*(is_known(person, service) for service in SERVICES))
        if not all(known):
            raise RuntimeError(f"not signed in everywhere: {dict(zip(SERVICES, known, strict=True))}")
        async with Watcher(self.pages, self.edge, self.ticket, person.headers) as page:
            await page.received(0, PATIENCE_SECONDS)
            ending = asyncio.create_task(self._ended(page))
            await person.call("POST", "/api/users/signout")
            since = time.perf_counter()
            took = await asyncio.gather(
                *(seconds_until_anonymous(person, service, since) for service in SERVICES)
            )
            closed = max(0.0, await ending - since)
        return {**dict(zip(SERVICES, took, strict=True)), PAGE: closed}

    @staticmethod
    async def _ended(page: Watcher) -> float:
        """When the stream of the page ended. Raises TimeoutError after PATIENCE_SECONDS."""
        try:
            await page.received(sys.maxsize, PATIENCE_SECONDS)
        except ConnectionError:
            return time.perf_counter()
        raise TimeoutError("the live page stays open")


@dataclass
class Outcome:
    """Seconds, by service."""

    took: dict[str, list[float]] = field(default_factory=dict)

    def add(self, round_: Mapping[str, float]) -> None:
        for name, seconds in round_.items():
            self.took.setdefault(name, []).append(seconds)

    def worst_p99(self) -> float:
        return max(_at(seconds, 0.99) for seconds in self.took.values())


def _at(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def run(target: Target, rounds: int) -> int:
    outcome = Outcome()
    async with Api(target.edge, connections=20) as api, watching_session() as pages:
        shop = await Shop.open(api, pages, target.edge)
        for _ in range(rounds):
            outcome.add(await shop.round())
    for name, seconds in outcome.took.items():
        p50, p99, most = (1000 * _at(seconds, share) for share in (0.5, 0.99, 1.0))
        print(f"{name:<9} p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {most:.0f} ms, {len(seconds)} sign-outs")
    return 0 if outcome.worst_p99() <= AT_MOST_SECONDS else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.load.sign_outs", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    return uvloop.run(run(targets.find("infra.verify.load.sign_outs"), arguments.rounds))


if __name__ == "__main__":
    sys.exit(main())
