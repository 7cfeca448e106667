"""Users who list, look, buy, pay and cancel through the edge while a part runs."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from infra.actors.api import Api
from infra.actors.person import Person

WIDTH = 32


@dataclass
class Traffic:
    """Counts of answers. A failure is a 5xx or a missing answer; a refusal by the rules is an answer."""

    api: Api
    answered: int = 0
    writes: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    async def ask(self, person: Person, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request. The status is 0 if no answer arrived."""
        try:
            status, answer = await self.api.call(method, path, person.headers, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._failed(method, path, type(error).__name__)
            return 0, None
        if status >= 500:
            self._failed(method, path, str(status))
            return status, None
        self.answered += 1
        self.writes += method != "GET" and status < 300
        return status, answer

    def _failed(self, method: str, path: str, how: str) -> None:
        self.failures[f"{method} /{'/'.join(path.split('/')[1:3])}: {how}"] += 1


def worst(failures: Counter[str]) -> str:
    """The most frequent failures, one line each."""
    return "".join(f"\n          {count} x {what}" for what, count in failures.most_common(5))


Day = Callable[[Traffic, Person, Person], Awaitable[None]]


async def shopping(traffic: Traffic, seller: Person, buyer: Person) -> None:
    """One flow that uses every service."""
    status, ticket = await traffic.ask(seller, "POST", "/api/tickets", {"title": "A seat", "price": 20})
    if status != 201:
        return
    path = f"/api/tickets/{ticket['id']}"
    await traffic.ask(seller, "PUT", path, {"title": "A better seat", "price": 25})
    for seen in (path, "/api/tickets?limit=10", "/api/users/currentuser", "/", "/api/orders"):
        await traffic.ask(buyer, "GET", seen)
    order = await _ordered(traffic, buyer, ticket["id"])
    if order is None:
        return
    await traffic.ask(buyer, "GET", f"/api/orders/{order}")
    if int(order[-1], 16) % 2:
        await traffic.ask(buyer, "POST", "/api/payments", {"orderId": order, "token": "tok_visa"})
    else:
        await traffic.ask(buyer, "DELETE", f"/api/orders/{order}")
    await traffic.ask(buyer, "GET", f"/api/orders/{order}")


async def selling(traffic: Traffic, seller: Person, _buyer: Person) -> None:
    """One flow that needs no event of another service."""
    status, ticket = await traffic.ask(seller, "POST", "/api/tickets", {"title": "A seat", "price": 20})
    if status == 201:
        await traffic.ask(seller, "PUT", f"/api/tickets/{ticket['id']}", {"title": "Seat", "price": 25})
        await traffic.ask(seller, "GET", f"/api/tickets/{ticket['id']}")


async def _ordered(traffic: Traffic, buyer: Person, ticket_id: str) -> str | None:
    """The order's id, once the orders service has received the ticket's event; None if the order fails."""
    for _ in range(50):
        status, order = await traffic.ask(buyer, "POST", "/api/orders", {"ticketId": ticket_id})
        if status == 201:
            found: str = order["id"]
            return found
        if status != 404:
            return None
        await asyncio.sleep(0.02)
    return None


@asynccontextmanager
async def flowing(edge: str, day: Day = shopping, width: int = WIDTH) -> AsyncIterator[Traffic]:
    """Run traffic: starts once all users are signed up, ends once every request is answered."""
    async with Api(edge, connections=2 * width) as api:
        seller, buyer = await Person.sign_up(api), await Person.sign_up(api)
        traffic, ending = Traffic(api), asyncio.Event()

        async def live() -> None:
            while not ending.is_set():
                before = traffic.failed
                await day(traffic, seller, buyer)
                if traffic.failed > before:
                    # Like a person, wait before the next attempt.
                    await asyncio.sleep(0.1)

        lives = [asyncio.create_task(live()) for _ in range(width)]
        try:
            yield traffic
        finally:
            ending.set()
            await asyncio.gather(*lives)
