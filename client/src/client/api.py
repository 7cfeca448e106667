"""The calls that the pages make, typed. Each raises the error that the API gives (`upstream.refusal`)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx
from fastapi import Depends, Request
from pydantic import TypeAdapter

from client.schemas import ORDERS, TICKETS, Listing, Order, Payment, Summary, Ticket
from client.upstream import PROVIDER_TIMEOUT, Upstream

T = TypeVar("T")

SetCookies = Sequence[str]
"""The `Set-Cookie` headers of an answer, for the browser."""


class Api:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def signup(self, email: str, password: str) -> SetCookies:
        return await self._session("signup", {"email": email, "password": password})

    async def signin(self, email: str, password: str) -> SetCookies:
        return await self._session("signin", {"email": email, "password": password})

    async def signout(self) -> SetCookies:
        return await self._session("signout", {})

    async def _session(self, action: str, body: Mapping[str, str]) -> SetCookies:
        response = await self._upstream.send("POST", f"/api/users/{action}", body=body, vouch=True)
        return response.headers.get_list("set-cookie")

    async def tickets(self, query: Mapping[str, str]) -> Listing[Ticket]:
        return _listing(await self._upstream.send("GET", "/api/tickets", query=query), TICKETS)

    async def ticket(self, ticket_id: str) -> Ticket:
        return Ticket.model_validate_json((await self._upstream.send("GET", _ticket(ticket_id))).content)

    async def summary(self) -> Summary:
        return Summary.model_validate_json((await self._upstream.send("GET", "/api/tickets/summary")).content)

    async def create_ticket(self, offer: Mapping[str, str]) -> Ticket:
        """`offer`: the fields of a ticket, as they were typed."""
        return Ticket.model_validate_json(
            (await self._upstream.send("POST", "/api/tickets", body=offer)).content
        )

    async def update_ticket(self, ticket_id: str, offer: Mapping[str, str]) -> None:
        await self._upstream.send("PUT", _ticket(ticket_id), body=offer)

    async def withdraw_ticket(self, ticket_id: str) -> None:
        await self._upstream.send("DELETE", _ticket(ticket_id))

    async def orders(self, query: Mapping[str, str]) -> Listing[Order]:
        return _listing(await self._upstream.send("GET", "/api/orders", query=query), ORDERS)

    async def order(self, order_id: str) -> Order:
        return Order.model_validate_json((await self._upstream.send("GET", _order(order_id))).content)

    async def create_order(self, ticket_id: str, price: str) -> Order:
        """At the `price` that the buyer saw, where one is told: at another it is refused."""
        body = {"ticketId": ticket_id} | ({"price": price} if price else {})
        return Order.model_validate_json(
            (await self._upstream.send("POST", "/api/orders", body=body)).content
        )

    async def cancel_order(self, order_id: str) -> None:
        await self._upstream.send("DELETE", _order(order_id))

    async def pay(self, order_id: str, token: str) -> None:
        """Again for the same order: the same payment."""
        body = {"orderId": order_id, "token": token}
        await self._upstream.send("POST", "/api/payments", body=body, timeout=PROVIDER_TIMEOUT)

    async def confirm_payment(self, order_id: str) -> Payment:
        """Looks whether the card's owner took the further step that the bank asked for."""
        response = await self._upstream.send(
            "POST", "/api/payments/confirm", body={"orderId": order_id}, timeout=PROVIDER_TIMEOUT
        )
        return Payment.model_validate_json(response.content)


def _ticket(ticket_id: str) -> str:
    return f"/api/tickets/{ticket_id}"


def _order(order_id: str) -> str:
    return f"/api/orders/{order_id}"


def _listing(response: httpx.Response, items: TypeAdapter[list[T]]) -> Listing[T]:
    """The next page is named by the `Link` header (RFC 8288)."""
    link = response.links.get("next")
    following = None if link is None else dict(parse_qsl(urlsplit(link["url"]).query))
    return Listing(items.validate_json(response.content), following)


async def _api(request: Request) -> Api:
    return Api(Upstream.of(request))


Apis = Annotated[Api, Depends(_api)]
