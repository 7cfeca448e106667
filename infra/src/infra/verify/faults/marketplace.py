"""The tickets, the orders and the payments service in one process, called directly instead of over HTTP.

The wiring is the real one, but for the payment provider: `provider.CrashingGateway`.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import orders.app
import orders.commands
import orders.limits
import orders.publishers
import orders.repository
import orders.settings
import payments.app
import payments.commands
import payments.context
import payments.settings
import tickets.app
import tickets.commands
import tickets.publishers
import tickets.repository
import tickets.settings
from common.base.errors import BadRequest, NotFound, PaymentRequired, Unavailable
from common.base.identity import CurrentUser
from common.base.money import Money
from common.contract.stream import MARKETPLACE
from common.http.session_keys import PrivateKey
from common.messaging.jetstream.stream import JetStream
from common.persistence import mongo
from common.persistence.aggregate import Aggregate
from common.persistence.mongo import Database
from infra.verify.faults.provider import CrashingGateway
from infra.verify.reconcile.books import Books

PUBLIC_KEY = PrivateKey.generate().public.text
HOLD = timedelta(hours=1)
MAX_LISTINGS = 1_000_000
LIMITS = orders.limits.Limits(open_orders=1_000_000, first_pause=timedelta(0))
SELLER, BUYER = CurrentUser("seller"), CurrentUser("buyer")
TRIES = 100
CARDS = {
    "tok_visa": 6,
    "tok_threeDSecure": 2,
    "tok_threeDSecureDeclined": 1,
    "tok_timeout": 1,
    "tok_chargeDeclined": 1,
}
"""Relative frequency of each card."""
HASTY = payments.context.Timing(
    grace=timedelta(seconds=0.5),
    lease=timedelta(seconds=2),
    first_pause=timedelta(seconds=0.5),
)
"""Times of the sweeps, so short that a recovery takes seconds."""

Acknowledge = Callable[[Aggregate], None]
"""Receives each change that its caller got an acknowledgement of."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Marketplace:
    tickets: tickets.repository.TicketRepository
    orders: orders.repository.Repositories
    payments: payments.context.PaymentContext
    books: Books
    stream: JetStream

    async def sale(self, chance: random.Random, acknowledge: Acknowledge) -> None:
        """Offer and edit a ticket, order it once orders has it; then cancel, pay, or both at once."""
        ticket = await tickets.commands.offer(self.tickets, SELLER, "Seat", Money(chance.randint(1, 10_000)))
        acknowledge(ticket)
        price = Money(chance.randint(1, 10_000))
        acknowledge(await tickets.commands.edit(self.tickets, SELLER, ticket.id, "Better seat", price))
        order = await _once_known(lambda: orders.commands.place(self.orders, BUYER, ticket.id, HOLD, LIMITS))
        if order is None:
            return
        acknowledge(order)
        plan = chance.choice(("cancel", "pay", "pay", "both"))
        if plan == "cancel":
            await self._cancel(order.id)
            order.version += 1
            acknowledge(order)
        elif plan == "pay":
            await self._pay(order.id, chance, acknowledge)
        else:
            await asyncio.gather(self._pay(order.id, chance, acknowledge), self._cancel(order.id))

    async def _cancel(self, order_id: str) -> None:
        with suppress(BadRequest):
            await orders.commands.cancel(self.orders.orders, BUYER, order_id)

    async def _pay(self, order_id: str, chance: random.Random, acknowledge: Acknowledge) -> None:
        """Pay with a card, take its further step, and pay with a good card if that one is declined."""
        [card] = chance.choices(list(CARDS), list(CARDS.values()))
        for token in (card, "tok_visa"):
            with suppress(PaymentRequired, Unavailable):
                await self._pay_with(token, order_id, acknowledge)
                return

    async def _pay_with(self, token: str, order_id: str, acknowledge: Acknowledge) -> None:
        pay, confirm = payments.commands.pay, payments.commands.confirm
        payment = await _once_known(lambda: pay(self.payments, BUYER, order_id, token))
        if payment is not None:
            acknowledge(payment)
            with suppress(BadRequest):
                acknowledge(await confirm(self.payments, BUYER, order_id))


async def _once_known(ask: Callable[[], Awaitable[T]]) -> T | None:
    """The answer, once the record has reached the service; None if the service refuses."""
    for _ in range(TRIES):
        try:
            return await ask()
        except NotFound:
            await asyncio.sleep(0.01)
        except BadRequest:
            return None
    return None


@asynccontextmanager
async def running(mongo_uri: str, nats_url: str, name: str) -> AsyncIterator[Marketplace]:
    """Run the services with consumers, relays and sweeps. `name` is the name of their databases."""

    def database(service: str) -> Database:
        return mongo.connect(mongo_uri, f"{name}-{service}")

    def stream(service: str) -> JetStream:
        return JetStream(nats_url, service, MARKETPLACE)

    books = Books(database("tickets"), database("orders"), database("payments"))
    streams = [stream(service) for service in ("tickets", "orders", "payments")]
    common: dict[str, Any] = {"mongo_uri": mongo_uri, "nats_url": nats_url, "jwt_public_keys": PUBLIC_KEY}
    paying = payments.app.create_app(
        payments.settings.Settings(**common, payment_gateway="fake", max_declines_per_day=0),
        database=books.payments,
        stream=streams[2],
        gateway=CrashingGateway(books.payments),
        timing=HASTY,
    )
    apps = (
        tickets.app.create_app(
            tickets.settings.Settings(
                **common, files_url="memory:///", files_key=("f" * 32,), barcode_key="b" * 32
            ),
            database=books.tickets,
            stream=streams[0],
        ),
        orders.app.create_app(
            orders.settings.Settings(**common, receipt_keys=("k" * 32,)),
            database=books.orders,
            stream=streams[1],
        ),
        paying,
    )
    listings = tickets.repository.Repositories.over(
        books.tickets, tickets.publishers.publishers(streams[0]), MAX_LISTINGS
    )
    stores = orders.repository.Repositories.over(books.orders, orders.publishers.publishers(streams[1]))
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        async with asyncio.timeout(30):
            while not all(stream.is_up() for stream in streams):
                await asyncio.sleep(0.005)
        yield Marketplace(listings.tickets, stores, paying.state.context, books, streams[0])
