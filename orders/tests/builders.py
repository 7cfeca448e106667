"""What the tests of orders build on."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from common.base import times
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import (
    ExpirationComplete,
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentDisputed,
    PaymentRefunded,
    PaymentVoided,
    PayoutMade,
    TicketCreated,
    TicketUpdated,
    TicketWithdrawn,
)
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.testing.browser import JWT_PUBLIC_KEYS, signed_in
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from orders.app import create_app
from orders.fulfilment.terms import Terms
from orders.settings import Settings

Json = dict[str, Any]
HOLD = timedelta(minutes=15)
TERMS = Terms()
RECEIPT_KEYS = ("the key that signs receipts today", "the key of printed receipts, and of all")


def an_app(database: Database, stream: Stream, max_open_orders: int = 1_000) -> FastAPI:
    settings = Settings(
        mongo_uri="mongodb://unused",
        nats_url="nats://unused",
        jwt_public_keys=JWT_PUBLIC_KEYS,
        receipt_keys=RECEIPT_KEYS,
        cookie_secure=False,
        order_hold_seconds=int(HOLD.total_seconds()),
        max_open_orders=max_open_orders,
    )
    return create_app(settings, database=database, stream=stream)


@dataclass(frozen=True)
class Offer:
    """A ticket, as a series of events that tickets publishes."""

    id: str = field(default_factory=new_id)
    seller_id: str = field(default_factory=new_id)

    def created(self, title: str = "Concert", cents: int = 2000) -> TicketCreated:
        return TicketCreated(id=self.id, version=0, title=title, price=Money(cents), user_id=self.seller_id)

    def updated(
        self, version: int, title: str = "Concert", cents: int = 2000, order_id: str | None = None
    ) -> TicketUpdated:
        return TicketUpdated(
            id=self.id,
            version=version,
            title=title,
            price=Money(cents),
            user_id=self.seller_id,
            order_id=order_id,
        )

    @property
    def seller(self) -> CurrentUser:
        return CurrentUser(self.seller_id, "a session")

    def with_file(self) -> TicketCreated:
        return self.created().model_copy(update={"delivery": "file"})

    def ordered(self, title: str, price: float) -> Json:
        """As an order's JSON shows it."""
        details = dict.fromkeys(("eventDate", "venue", "seat", "city", "startTime", "faceValue", "notes"))
        return {"id": self.id, "title": title, "price": price, **details}

    def withdrawn(self, version: int = 1) -> TicketWithdrawn:
        return TicketWithdrawn(id=self.id, version=version)

    def relisted(self, version: int = 2) -> TicketUpdated:
        return self.updated(version).model_copy(update={"withdrawn": False})


@dataclass(frozen=True)
class Payment:
    """The payment of an order, as a series of events that payments publishes."""

    order_id: str
    id: str = field(default_factory=new_id)

    def awaiting(self) -> PaymentAwaiting:
        return PaymentAwaiting(id=self.id, order_id=self.order_id)

    def created(self) -> PaymentCreated:
        return PaymentCreated(id=self.id, order_id=self.order_id, stripe_id="pi_1")

    def captured(self) -> PaymentCaptured:
        return PaymentCaptured(id=self.id, order_id=self.order_id)

    def voided(self) -> PaymentVoided:
        return PaymentVoided(id=self.id, order_id=self.order_id)

    def refunded(self) -> PaymentRefunded:
        return PaymentRefunded(id=self.id, order_id=self.order_id)

    def disputed(self, is_open: bool = True) -> PaymentDisputed:
        return PaymentDisputed(id=self.id, order_id=self.order_id, open=is_open)

    def paid_out(self, cents: int = 2000) -> PayoutMade:
        return PayoutMade(id=self.id, order_id=self.order_id, amount=Money(cents))


def timer(order: Json) -> ExpirationComplete:
    return ExpirationComplete(order_id=order["id"])


@dataclass(frozen=True)
class Shop:
    """The API as its buyer uses it, and what the other services say."""

    client: httpx.AsyncClient
    stream: FakeStream
    database: Database
    buyer: CurrentUser

    async def post(self, body: object, user: CurrentUser | None = None, key: str = "") -> httpx.Response:
        """key: Of the header `Idempotency-Key`, if there is one."""
        headers = signed_in(user or self.buyer) | ({"Idempotency-Key": key} if key else {})
        return await self.client.post("/api/orders", json=body, headers=headers)

    async def get(self, order: Json, user: CurrentUser | None = None) -> httpx.Response:
        return await self.client.get(f"/api/orders/{order['id']}", headers=signed_in(user or self.buyer))

    async def delete(self, order: Json, user: CurrentUser | None = None) -> httpx.Response:
        return await self.client.delete(f"/api/orders/{order['id']}", headers=signed_in(user or self.buyer))

    async def an_offer(self) -> Offer:
        offer = Offer()
        await deliver(self.stream, offer.created())
        return offer

    async def press(
        self, order: Json, action: str, user: CurrentUser | None = None, body: object = None
    ) -> httpx.Response:
        """One of the posts about a complete order, such as "delivery"."""
        path = f"/api/orders/{order['id']}/{action}"
        return await self.client.post(path, json=body, headers=signed_in(user or self.buyer))

    async def sale(self, order: Json, user: CurrentUser) -> httpx.Response:
        return await self.client.get(f"/api/orders/sales/{order['id']}", headers=signed_in(user))

    async def an_order(self, offer: Offer | None = None) -> Json:
        offer = offer or await self.an_offer()
        response = await self.post({"ticketId": offer.id})
        assert response.status_code == 201, response.text
        order: Json = response.json()
        return order

    async def a_complete_order(self) -> Json:
        order = await self.an_order()
        await deliver(self.stream, Payment(order["id"]).created())
        return order

    async def a_sale(self, offer: Offer, *, has_file: bool = False) -> Json:
        """A complete order of the offer, which is listed by this."""
        await deliver(self.stream, offer.with_file() if has_file else offer.created())
        order = await self.an_order(offer)
        await deliver(self.stream, Payment(order["id"]).created())
        return await self.shown(order)

    async def shown(self, order: Json) -> Json:
        response = await self.get(order)
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def status(self, order: Json) -> tuple[str, int]:
        """An order's status and version."""
        shown = await self.shown(order)
        return shown["status"], shown["version"]

    async def let_time_pass(self, order: Json, past_due: timedelta) -> None:
        """As if the order's hold had ended so long ago."""
        due: datetime = times.now() - past_due
        await self.database["orders"].update_one({"_id": order["id"]}, {"$set": {"expires_at": due}})

    async def let_deadline_pass(self, order: Json, past_due: timedelta) -> None:
        """As if the deadline of the order's fulfilment had been so long ago."""
        due = times.now() - past_due
        found = await self.database["orders"].find_one({"_id": order["id"]})
        assert found is not None
        field = "deliver_by" if found["fulfilment"] == "due" else "accept_by"
        await self.database["orders"].update_one(
            {"_id": order["id"]}, {"$set": {"deadline": due, field: due}}
        )
