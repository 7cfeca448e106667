"""The tickets and the orders service in one process, called directly instead of over HTTP.

The wiring is the real one.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import orders.app
import orders.commands
import orders.publishers
import orders.repository
import orders.settings
import tickets.app
import tickets.commands
import tickets.publishers
import tickets.repository
import tickets.settings
from common.base.errors import BadRequest, NotFound
from common.base.identity import CurrentUser
from common.base.money import Money
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.persistence import mongo
from common.persistence.aggregate import Aggregate
from common.persistence.mongo import Database

KEY = "k" * 32
HOLD = timedelta(hours=1)
SELLER, BUYER = CurrentUser("seller", "seller@crash.test"), CurrentUser("buyer", "buyer@crash.test")
TRIES = 100

Acknowledge = Callable[[Aggregate], None]
"""Receives each change that its caller got an acknowledgement of."""


@dataclass(frozen=True, slots=True)
class Marketplace:
    tickets: tickets.repository.TicketRepository
    orders: orders.repository.Repositories
    databases: tuple[Database, Database]
    stream: JetStream

    async def sale(self, chance: random.Random, acknowledge: Acknowledge) -> None:
        """Offer and edit a ticket, order it once the orders service has it, perhaps cancel the order."""
        ticket = await tickets.commands.offer(self.tickets, SELLER, "Seat", Money(chance.randint(1, 10_000)))
        acknowledge(ticket)
        price = Money(chance.randint(1, 10_000))
        acknowledge(await tickets.commands.edit(self.tickets, SELLER, ticket.id, "Better seat", price))
        order = await self._order(ticket.id)
        if order is None:
            return
        acknowledge(order)
        if chance.random() < 0.5:
            await orders.commands.cancel(self.orders.orders, BUYER, order.id)
            order.version += 1
            acknowledge(order)

    async def _order(self, ticket_id: str) -> Aggregate | None:
        for _ in range(TRIES):
            try:
                return await orders.commands.place(self.orders, BUYER, ticket_id, HOLD)
            except NotFound:
                await asyncio.sleep(0.01)
            except BadRequest:
                return None
        return None


@asynccontextmanager
async def running(mongo_uri: str, nats_url: str, name: str) -> AsyncIterator[Marketplace]:
    """Run both services with consumers, relays and sweeps. `name` is the name of their databases."""
    ours, theirs = (mongo.connect(mongo_uri, f"{name}-{service}") for service in ("tickets", "orders"))
    streams = JetStream(nats_url, "tickets", MARKETPLACE), JetStream(nats_url, "orders", MARKETPLACE)
    apps = (
        tickets.app.create_app(
            tickets.settings.Settings(mongo_uri=mongo_uri, nats_url=nats_url, jwt_key=KEY),
            database=ours,
            stream=streams[0],
        ),
        orders.app.create_app(
            orders.settings.Settings(mongo_uri=mongo_uri, nats_url=nats_url, jwt_key=KEY),
            database=theirs,
            stream=streams[1],
        ),
    )
    listings = tickets.repository.Repositories.over(ours, tickets.publishers.publishers(streams[0]))
    stores = orders.repository.Repositories.over(theirs, orders.publishers.publishers(streams[1]))
    async with apps[0].router.lifespan_context(apps[0]), apps[1].router.lifespan_context(apps[1]):
        async with asyncio.timeout(30):
            while not all(stream.is_up() for stream in streams):
                await asyncio.sleep(0.005)
        yield Marketplace(listings.tickets, stores, (ours, theirs), streams[0])
