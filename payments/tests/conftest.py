from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from common.mongo import Database
from common.testing.browser import JWT_KEY, running, signed_in
from common.testing.fake_stream import FakeStream
from payments.app import create_app
from payments.desk import Desk, Timing
from payments.settings import Settings
from payments.testing.orders import AnOrder, emit
from payments.testing.steered import SteeredGateway

pytest_plugins = ["common.testing.fixtures"]

WEBHOOK_SECRET = "whsec_of_tests"
QUICK = Timing(
    wait=timedelta(milliseconds=400),
    poll=timedelta(milliseconds=5),
    grace=timedelta(0),
    lease=timedelta(seconds=60),
    give_up=timedelta(seconds=60),
)


class Shop:
    """The service, and what a test does to it."""

    def __init__(self, client: httpx.AsyncClient, desk: Desk, stream: FakeStream) -> None:
        self.client, self.desk, self.stream = client, desk, stream

    @property
    def gateway(self) -> SteeredGateway:
        assert isinstance(self.desk.gateway, SteeredGateway)
        return self.desk.gateway

    async def order(self, **fields: Any) -> AnOrder:
        order = AnOrder(**fields)
        await self.hear(order.created())
        return order

    async def hear(self, event: Any) -> None:
        await emit(self.stream, event)
        await self.stream.settled()

    async def pay(self, order: AnOrder, token: str = "tok_visa") -> httpx.Response:
        body = {"orderId": order.id, "token": token}
        return await self.client.post("/api/payments", json=body, headers=signed_in(order.buyer))

    async def confirm(self, order: AnOrder) -> httpx.Response:
        body = {"orderId": order.id}
        return await self.client.post("/api/payments/confirm", json=body, headers=signed_in(order.buyer))

    async def intents(self, order: AnOrder) -> list[dict[str, Any]]:
        """The provider's record of an order."""
        found = self.gateway._intents.find({"order_id": order.id})
        return [document async for document in found.sort("attempt", 1)]

    async def states(self, order: AnOrder) -> list[str]:
        return [intent["state"] for intent in await self.intents(order)]

    async def published(self) -> list[str]:
        """The ids of the payment events, `<subject>:<version>`, in the order of the stream."""
        await self.desk.repositories.payments.relay.drained()
        ids = [m.headers["ce-id"] for m in self.stream.messages if m.subject.startswith("payment.")]
        return [f"{i.split(':')[0]}:{i.split(':')[2]}" for i in ids]


@pytest.fixture
def settings() -> Settings:
    return Settings(
        mongo_uri="mongodb://unused",
        nats_url="nats://unused",
        jwt_key=JWT_KEY,
        cookie_secure=False,
        payment_gateway="fake",
        stripe_webhook_secret=WEBHOOK_SECRET,
    )


@pytest.fixture
def timing() -> Timing:
    return QUICK


@pytest.fixture
async def shop(
    settings: Settings, database: Database, stream: FakeStream, timing: Timing
) -> AsyncIterator[Shop]:
    """The sweeps run by hand: their own jobs wait a second first, longer than most tests."""
    gateway = SteeredGateway(database)
    app = create_app(settings, database=database, stream=stream, gateway=gateway, timing=timing)
    async with running(app) as client:
        yield Shop(client, app.state.desk, stream)
