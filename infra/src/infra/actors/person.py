"""Simulated user of the API: sells, buys, pays, and waits for the effects."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from infra.actors.api import Api, Reply

PASSWORD = "a long password of the load test"


class Refused(RuntimeError):
    """Answer that prevents the user from continuing."""


@dataclass(frozen=True)
class Person:
    """Signed-in user. Bodies follow the contract; `call` returns every status and raises no error for one."""

    api: Api
    headers: dict[str, str]
    id: str = ""
    email: str = ""

    @classmethod
    async def sign_up(cls, api: Api, email: str = "", password: str = PASSWORD) -> Self:
        """Sign up a new user, by default with a random address. Raises Refused."""
        email = email or f"{secrets.token_hex(8)}@load.test"
        reply = await api.send("POST", "/api/users/signup", {}, {"email": email, "password": password})
        if reply.status != 201:
            raise Refused(f"not signed up: {reply.status} {reply.content!r}")
        return cls._of(api, email, reply)

    @classmethod
    async def enter(cls, api: Api, email: str, password: str) -> Self:
        """Sign in the user of this address, or sign up if there is no such user. Raises Refused."""
        reply = await api.send("POST", "/api/users/signin", {}, {"email": email, "password": password})
        return cls._of(api, email, reply) if reply.status == 200 else await cls.sign_up(api, email, password)

    @classmethod
    def _of(cls, api: Api, email: str, reply: Reply) -> Self:
        return cls(api, {"Cookie": reply.cookies}, reply.json()["id"], email)

    @property
    def session(self) -> tuple[str, str]:
        """Name and value of the session's cookie."""
        pairs = (one.partition("=") for one in self.headers["Cookie"].split("; "))
        return next((name, value) for name, _, value in pairs if "session" in name)

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.api.call(method, path, self.headers, body)

    async def sell(self, price: Any = 20, title: str = "") -> str:
        body = {"title": title or f"Seat {secrets.token_hex(4)}", "price": price}
        status, ticket = await self.call("POST", "/api/tickets", body)
        if status != 201:
            raise Refused(f"not offered: {status} {ticket}")
        ticket_id: str = ticket["id"]
        return ticket_id

    async def order(self, ticket_id: str) -> tuple[int, Any]:
        """Order the ticket as soon as the orders service has received its event."""
        while True:
            status, order = await self.call("POST", "/api/orders", {"ticketId": ticket_id})
            if status != 404:
                return status, order

    async def buy(self, ticket_id: str) -> str:
        status, order = await self.order(ticket_id)
        if status != 201:
            raise Refused(f"not ordered: {status} {order}")
        order_id: str = order["id"]
        return order_id

    async def pay(self, order_id: str, token: str = "tok_visa") -> tuple[int, Any]:
        """Pay as soon as the payments service has received the order's event."""
        while True:
            body = {"orderId": order_id, "token": token}
            status, payment = await self.call("POST", "/api/payments", body)
            if status != 404:
                return status, payment

    async def see(self, path: str, condition: Callable[[Any], bool], timeout: float = 10.0) -> Any:
        """Poll the resource until `condition` holds for it, and return it."""
        async with asyncio.timeout(timeout):
            while True:
                _, resource = await self.call("GET", path)
                if condition(resource):
                    return resource
                await asyncio.sleep(0.01)
