"""Driver of the service in this process, for tests."""

from typing import Any

import httpx

from common.base import times
from common.base.identity import CurrentUser
from common.messaging.events import VersionedEvent
from common.persistence.mongo import ASCENDING
from common.testing.browser import a_user, signed_in
from common.testing.fake_stream import FakeStream
from payments import payouts
from payments.context import PaymentContext
from payments.domain import Payment
from payments.dues import Due
from payments.sweep import sweep_dues
from tests.orders import AnOrder, emit
from tests.steered import SteeredGateway


class Shop:
    def __init__(self, client: httpx.AsyncClient, context: PaymentContext, stream: FakeStream) -> None:
        self.client, self.context, self.stream = client, context, stream

    @property
    def gateway(self) -> SteeredGateway:
        assert isinstance(self.context.gateway, SteeredGateway)
        return self.context.gateway

    async def order(self, **fields: Any) -> AnOrder:
        order = AnOrder(**fields)
        await self.receive(order.created())
        return order

    async def receive(self, event: VersionedEvent) -> None:
        await emit(self.stream, event)
        await self.stream.settled()

    async def pay(self, order: AnOrder, token: str = "tok_visa") -> httpx.Response:
        body = {"orderId": order.id, "token": token}
        return await self.client.post("/api/payments", json=body, headers=signed_in(order.buyer))

    async def confirm(self, order: AnOrder) -> httpx.Response:
        body = {"orderId": order.id}
        return await self.client.post("/api/payments/confirm", json=body, headers=signed_in(order.buyer))

    async def a_paid_order(self, token: str = "tok_visa") -> AnOrder:
        order = await self.order()
        assert (await self.pay(order, token)).status_code == 201
        return order

    async def complete_unsettled(self, order: AnOrder) -> None:
        """Stores the order's completion as a process does that dies before it settles the payment."""
        event = order.completed()
        await self.context.repositories.orders.apply(event.id, event.version, {"status": "complete"})

    async def a_captured_order(self, token: str = "tok_visa", **fields: Any) -> AnOrder:
        order = await self.order(**fields)
        assert (await self.pay(order, token)).status_code == 201
        await self.receive(order.completed())
        return order

    async def a_seller(self, *, is_ready: bool = True) -> CurrentUser:
        """A user with an account at the provider."""
        seller = a_user()
        await payouts.form(self.context, seller.id)
        if is_ready:
            await self.fill_in(seller)
        return seller

    async def fill_in(self, seller: CurrentUser) -> None:
        account = await self.context.repositories.accounts.of(seller.id)
        assert account is not None
        await self.gateway.fill_in(account.id)
        await payouts.read_account(self.context, account.id)

    async def an_accepted_order(self, token: str = "tok_visa", **fields: Any) -> AnOrder:
        order = await self.a_captured_order(token, **fields)
        await self.receive(order.delivered())
        await self.receive(order.accepted())
        return order

    async def transfers(self, order: AnOrder) -> list[int]:
        """Cents of each transfer of the order."""
        made = await self.gateway.transfers.find({"order_id": order.id})
        return [transfer["amount_cents"] for transfer in made]

    async def get(self, user: CurrentUser, path: str) -> httpx.Response:
        return await self.client.get(f"/api/payments/{path}", headers=signed_in(user))

    async def payment(self, order: AnOrder) -> Payment:
        payment = await self.context.repositories.payments.of_order(order.id)
        assert payment is not None
        return payment

    async def due(self, order: AnOrder) -> Due | None:
        return await self.context.repositories.dues.of_order(order.id)

    async def sweep(self) -> None:
        """Looks at each payment that is due, at once, however long its pause is."""
        await self.context.repositories.dues.hurry_all(times.now())
        await sweep_dues(self.context)

    async def intents(self, order: AnOrder) -> list[dict[str, Any]]:
        """Provider's intents of an order: one, and those of the last release."""
        return await self.gateway.record.find({"order_id": order.id}, sort=[("attempt", ASCENDING)])

    async def states(self, order: AnOrder) -> list[str]:
        return [intent["state"] for intent in await self.intents(order)]

    async def published(self) -> list[str]:
        """Published payment events, as `<subject>:<version>`, in the order of the stream."""
        await self.context.repositories.payments.relay.drained()
        own = ("payment.", "payout.")
        ids = [m.headers["ce-id"] for m in self.stream.messages if m.subject.startswith(own)]
        return [f"{i.split(':')[0]}:{i.split(':')[2]}" for i in ids]
