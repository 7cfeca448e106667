"""One payments service, its provider and the orders service, on one database in memory and one clock."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar
from unittest import mock

from common.base import times
from common.base.errors import NotFound, Unavailable
from common.messaging.listener import NotYet
from common.persistence.outbox import Relay
from common.testing.fake_stream import FakeStream
from common.testing.memory import memory_database
from payments import commands, webhook
from payments.context import PaymentContext, Timing
from payments.declined_cards import DeclineLimits
from payments.domain import Payment
from payments.errors import (
    BadToken,
    CancelledOrder,
    CompleteOrder,
    Declined,
    ExpiredOrder,
    NothingToConfirm,
)
from payments.gateway import DisputeState
from payments.listeners import OrderListener
from payments.publishers import publishers
from payments.repository import Repositories
from payments.sweep import OpenPayments, sweep_charges, sweep_dues
from payments.webhook import WebhookEvent
from tests.machine.faults import Faults, FaultyGateway, Killed
from tests.machine.orders import HOLD, SELLER, ModelOrder, Orders

T = TypeVar("T")

TIMING = Timing(wait=timedelta(0), grace=timedelta(0), first_pause=timedelta(0))
FEE_PERCENT = Decimal("2.5")
LONG = timedelta(seconds=30)
"""A call takes less."""
REFUSALS = (BadToken, CancelledOrder, CompleteOrder, Declined, ExpiredOrder, NothingToConfirm, NotFound)


class World:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.faults = Faults(self._meanwhile)
        self._patches = ExitStack()
        for patch in self._replaced():
            self._patches.enter_context(patch)
        self.orders, self.stream, self.database = Orders(), FakeStream(), memory_database()
        self.delivered: set[int] = set()
        self._hints = 0
        self.gateway = FaultyGateway(self.database)
        self.gateway.faults, self.gateway.under_way = self.faults, []
        self._begin()

    def _replaced(self) -> Sequence[Any]:
        """One clock, one sequence of ids, no pause and no chance: a run repeats exactly."""
        ids = (f"{number:024x}" for number in count(1))
        return (
            mock.patch.object(times, "now", side_effect=lambda: self.now),
            mock.patch("payments.domain.new_id", side_effect=ids),
            mock.patch("common.persistence.repository.MAX_PAUSE_SECONDS", 0.0),
            mock.patch("common.persistence.outbox.CLEAR_GATHER_SECONDS", 0.0),
            mock.patch("common.persistence.repository.reached", self.faults.pass_save),
        )

    def _begin(self) -> None:
        """Starts the process: it remembers nothing of the process before."""
        stores = Repositories.over(self.database, publishers(self.stream))
        self.context = PaymentContext(stores, self.gateway, TIMING, DeclineLimits(10_000, 0), FEE_PERCENT)
        self.listener = OrderListener(self.context)
        self.open_payments = OpenPayments(self.context)

    @property
    def relay(self) -> Relay:
        return self.context.repositories.payments.relay

    def close(self) -> None:
        self._end_tasks()
        self.loop.close()
        self._patches.close()

    def restart(self) -> None:
        self._end_tasks()
        self._begin()

    def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))

    def run(self, work: Awaitable[T], faults: Mapping[int, str] | None = None) -> T | Exception | None:
        """Result of one step, or the refusal or outage that its caller received; None if the process died."""

        async def step() -> T:
            result = await work
            await self.relay.drained()
            return result

        self.faults.expect(faults or {})
        try:
            return self.loop.run_until_complete(step())
        except (*REFUSALS, Unavailable, NotYet) as answer:
            return answer
        except Killed:
            self.restart()
            return None
        finally:
            self.faults.expect({})

    async def prepare(self) -> None:
        stores = self.context.repositories
        own = (stores.payments, stores.dues, stores.charges, stores.attempts, stores.webhooks)
        for store in (*own, self.gateway):
            await store.prepare()

    async def pay(self, order: ModelOrder, token: str) -> Payment:
        return await commands.pay(self.context, order.buyer, order.id, token)

    async def confirm(self, order: ModelOrder) -> Payment:
        return await commands.confirm(self.context, order.buyer, order.id)

    async def deliver(self, number: int) -> None:
        """Delivers an event of an order. It stays undelivered if the listener raises."""
        await self.listener.on_message(self.orders.events[number])  # type: ignore[arg-type]  # any order's event
        self.delivered.add(number % len(self.orders.events))

    async def deliver_all(self) -> None:
        for number in range(len(self.orders.events)):
            if number not in self.delivered:
                await self.deliver(number)

    async def catch_up(self) -> None:
        """Delivers all events, in both directions."""
        await self.relay.drained()
        self.orders.handle(self.stream.messages, len(self.stream.messages))
        await self.deliver_all()

    async def hint_all(self, kind: str = "amount_capturable_updated", event_id: str = "") -> None:
        """Delivers an event of the provider about each of its intents. `kind` may be untrue.

        event_id: Repeats the event if it had an effect before; a new event without it.
        """
        for intent in await self.gateway.record.find({}):
            name = f"{event_id or self._hints}_{intent['_id']}_{kind}"
            await self._hint(name, f"payment_intent.{kind}", intent["_id"])

    async def _hint(self, name: str, kind: str, object_id: str) -> None:
        self._hints += 1
        event = {"id": name, "type": kind, "data": {"object": {"id": object_id}}}
        await webhook.take(self.context, WebhookEvent.model_validate(event))

    async def hint_disputes(self) -> None:
        for dispute in await self.gateway.disputes.find({}):
            await self._hint(f"{dispute['_id']}_{self._hints}", "charge.dispute.updated", dispute["_id"])

    async def seller_gets_ready(self) -> None:
        """The seller fills in the provider's form, and the provider says so."""
        account = await self.gateway.open_account(SELLER)
        await self.context.repositories.accounts.add(account)
        await self.gateway.fill_in(account.id)
        await self._hint(f"ready_{self._hints}", "account.updated", account.id)

    async def dispute(self, order: ModelOrder) -> None:
        """The card's owner disputes, if there is money to have back."""
        for intent in await self.gateway.record.find({"order_id": order.id, "state": "captured"}):
            await self.gateway.disputed(intent["_id"])

    async def bank_decides(self, state: DisputeState) -> None:
        for dispute in await self.gateway.disputes.find({"state": "open"}):
            await self.gateway.disputed(dispute["intent_id"], state)

    async def sweep(self) -> None:
        await sweep_charges(self.context)
        await self.open_payments.sweep()
        await sweep_dues(self.context)
        await self.relay.sweep()

    async def pass_time(self, time: timedelta) -> None:
        if time >= LONG:
            await self.gateway.act_late()
        self.now += time
        self.orders.expire(self.now)

    async def come_to_rest(self) -> None:
        """Delivers and sweeps everything, until after the end of every order."""
        self.stream.up = True
        await self.seller_gets_ready()
        await self.bank_decides(DisputeState.WON)
        await self.hint_disputes()
        for pause in (LONG, 2 * LONG, 2 * LONG, 2 * HOLD, 2 * LONG, 2 * LONG):
            await self.pass_time(pause)
            await self.catch_up()
            await self.sweep()
            await self.relay.drained()

    async def _meanwhile(self, event: str) -> None:
        """Another process's work, in the middle of a step."""
        try:
            if event == "cancelled":
                for order in self.orders.all:
                    self.orders.cancel(order)
                await self.deliver_all()
            elif event == "caught up":
                await self.catch_up()
            elif event == "swept":
                await sweep_charges(self.context)
                await OpenPayments(self.context).sweep()
                await sweep_dues(self.context)
            elif event == "hinted":
                await self.hint_all()
            elif event in ("refunded", "accepted"):
                for order in self.orders.all:
                    self.orders.fulfil(order, event)
                await self.deliver_all()
            elif event == "disputed":
                for order in self.orders.all:
                    await self.dispute(order)
                await self.hint_disputes()
            elif event == "paid":
                for order in self.orders.all:
                    await self.pay(order, "tok_mastercard")
            elif event == "overtaken":
                # The process of this step stands still for longer than any call takes.
                self.now += 2 * LONG
                await sweep_charges(self.context)
                for order in self.orders.all:
                    await self.pay(order, "tok_mastercard")
        except (*REFUSALS, Unavailable, NotYet):
            return
