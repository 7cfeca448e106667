"""What the tests of tickets build on."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from common.base import times
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderedTicket,
    OrderRefunded,
    OrderUpdated,
    TicketRef,
)
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.testing.browser import JWT_PUBLIC_KEYS, a_user, signed_in
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from tickets.app import create_app
from tickets.files import reading
from tickets.files.protocol import Reading
from tickets.files.readers import accepted
from tickets.settings import Settings

Json = dict[str, Any]
FILES_KEY = ("the key that wraps the keys of files today", "the key that wrapped the keys of files before")
BARCODE_KEY = "the key of the hashes of all barcodes"


def an_app(
    database: Database,
    stream: Stream,
    max_listings: int = 10_000,
    listings_per_hour: int = 0,
    max_markup_percent: int | None = None,
    *,
    search_dir: str = "",
    files_url: str = "memory:///",
) -> FastAPI:
    settings = Settings(
        mongo_uri="mongodb://unused",
        nats_url="nats://unused",
        jwt_public_keys=JWT_PUBLIC_KEYS,
        cookie_secure=False,
        max_listings=max_listings,
        listings_per_hour=listings_per_hour,
        max_markup_percent=max_markup_percent,
        search_dir=search_dir,
        files_url=files_url,
        files_key=FILES_KEY,
        barcode_key=BARCODE_KEY,
    )
    return create_app(settings, database=database, stream=stream, reader=InProcess())


class InProcess:
    """Reads files in the tests' own process, which starts no other."""

    async def read(self, content: bytes) -> Reading:
        try:
            return accepted(reading.read(content))
        except reading.Refused as refused:
            return accepted(refused.reason)

    async def close(self) -> None:
        return None


@dataclass(frozen=True)
class Sale:
    """An order of a ticket, as a series of events that orders publishes."""

    ticket_id: str
    id: str
    buyer: CurrentUser = field(default_factory=a_user)

    @classmethod
    def of(cls, ticket: Json) -> "Sale":
        return cls(ticket["id"], new_id())

    def created(self) -> OrderCreated:
        return OrderCreated(
            id=self.id,
            version=0,
            status="created",
            user_id=self.buyer.id,
            expires_at=times.now() + timedelta(minutes=15),
            ticket=OrderedTicket(id=self.ticket_id, price=Money(2000)),
        )

    def updated(self, version: int = 1) -> OrderUpdated:
        ticket = TicketRef(id=self.ticket_id)
        return OrderUpdated(id=self.id, version=version, status="awaiting:payment", ticket=ticket)

    def cancelled(self, version: int = 1) -> OrderCancelled:
        return OrderCancelled(id=self.id, version=version, ticket=TicketRef(id=self.ticket_id))

    def completed(self, version: int = 1) -> OrderCompleted:
        return OrderCompleted(id=self.id, version=version, ticket=TicketRef(id=self.ticket_id))

    def delivered(self, version: int = 2) -> OrderDelivered:
        return OrderDelivered(**self._fulfilled(version), accept_by=times.now())

    def accepted(self, version: int = 3) -> OrderAccepted:
        return OrderAccepted(**self._fulfilled(version))

    def disputed(self, version: int = 3) -> OrderDisputed:
        return OrderDisputed(**self._fulfilled(version))

    def refunded(self, version: int = 4) -> OrderRefunded:
        return OrderRefunded(**self._fulfilled(version))

    def _fulfilled(self, version: int) -> Any:
        ticket = TicketRef(id=self.ticket_id)
        return {"id": self.id, "version": version, "ticket": ticket, "seller_id": new_id()}


@dataclass(frozen=True)
class Market:
    """The API as its seller uses it, and the orders that reach it."""

    client: httpx.AsyncClient
    stream: FakeStream
    seller: CurrentUser

    async def post(self, body: Json, user: CurrentUser | None = None, /, **headers: str) -> httpx.Response:
        return await self.client.post("/api/tickets", json=body, headers=self._headers(user, headers))

    async def put(
        self, ticket: Json, body: Json, user: CurrentUser | None = None, /, **headers: str
    ) -> httpx.Response:
        path = f"/api/tickets/{ticket['id']}"
        return await self.client.put(path, json=body, headers=self._headers(user, headers))

    async def delete(
        self, ticket: Json, user: CurrentUser | None = None, /, **headers: str
    ) -> httpx.Response:
        path = f"/api/tickets/{ticket['id']}"
        return await self.client.delete(path, headers=self._headers(user, headers))

    async def relist(self, ticket: Json, user: CurrentUser | None = None) -> httpx.Response:
        path = f"/api/tickets/{ticket['id']}/relist"
        return await self.client.post(path, headers=self._headers(user, {}))

    def _headers(self, user: CurrentUser | None, more: dict[str, str]) -> dict[str, str]:
        """more: By the header's name with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return signed_in(user or self.seller) | named

    async def a_ticket(self, title: str = "Concert", price: object = 20) -> Json:
        response = await self.post({"title": title, "price": price})
        assert response.status_code == 201, response.text
        ticket: Json = response.json()
        return ticket

    async def a_held_ticket(self) -> tuple[Json, Sale]:
        ticket = await self.a_ticket()
        order = Sale.of(ticket)
        await deliver(self.stream, order.created())
        return ticket, order

    async def a_sold_ticket(self) -> tuple[Json, Sale]:
        ticket, order = await self.a_held_ticket()
        await deliver(self.stream, order.completed())
        return ticket, order

    async def shown(self, ticket: Json) -> Json:
        """As its seller sees it."""
        return await self.seen_by(self.seller, ticket)

    async def seen_by(self, user: CurrentUser | None, ticket: Json) -> Json:
        headers = {} if user is None else signed_in(user)
        response = await self.client.get(f"/api/tickets/{ticket['id']}", headers=headers)
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def titles(self, query: str = "") -> list[str]:
        """Of the public list."""
        response = await self.client.get(f"/api/tickets{query}")
        assert response.status_code == 200, response.text
        return [ticket["title"] for ticket in response.json()]
