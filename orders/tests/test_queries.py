"""Every query of the orders database, over 100,000 documents of each kind: each reads by an index."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from common.base import times
from common.base.creation import Creation
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database
from common.testing.fake_stream import FakeStream
from common.testing.plans import faults_of, fill, missing, stored
from orders.domain import Order, Status, Ticket
from orders.errors import TooManyOpenOrders
from orders.export import exports
from orders.fulfilment.domain import Fulfilment, State
from orders.publishers import publishers
from orders.repository import Repositories

pytestmark = pytest.mark.connected

COUNT = 100_000
BUYERS = 1_000
BUYER, SELLER = "buyer-7", "seller-7"
GIVES_UP = "buyer-1"
"""With a hundred unpaid ends of different tickets."""
HOLD = timedelta(minutes=15)
ENDED = (Status.COMPLETE, Status.CANCELLED)


def orders() -> Iterator[Order]:
    """Most have ended; a hundredth is live, and half of those are overdue."""
    chance, now = random.Random(1), times.now()
    for number in range(COUNT):
        live = number % 100 == 0
        status = chance.choice((Status.CREATED, Status.AWAITING_PAYMENT) if live else ENDED)
        yield Order(
            id=new_id(),
            version=1,
            user_id=f"buyer-{number % BUYERS}",
            ticket=Ticket(new_id(), f"Ticket {number}", Money(2_000)),
            expires_at=now + timedelta(minutes=chance.randint(-30, 30)),
            status=status,
            ended_at=now if status is Status.CANCELLED else None,
            seller_id=f"seller-{number % BUYERS}",
            fulfilment=fulfilment(chance, number) if status is Status.COMPLETE else None,
        )


def fulfilment(chance: random.Random, number: int) -> Fulfilment | None:
    """Most are decided; a tenth has a deadline ahead, a few have one that passed, or are not adopted."""
    if number % 500 == 1:
        return None
    state = chance.choice((State.DUE, State.DELIVERED)) if number % 10 == 3 else State.ACCEPTED
    by = times.now() + timedelta(hours=-1 if number % 1_000 == 3 else 48)
    return Fulfilment(state, deliver_by=by, accept_by=by)


async def test_every_query_reads_by_an_index(real_database: Database) -> None:
    repositories = Repositories.over(real_database, publishers(FakeStream()))
    placements, replica = repositories.orders, repositories.tickets
    await placements.prepare()
    placed = list(orders())
    await fill(placements.documents, stored(placements, placed))
    listing = {"title": "Ticket", "price_cents": 2_000, "user_id": "seller"}
    await fill(replica.documents, ({"_id": new_id(), "version": 0, **listing} for _ in range(COUNT)))
    one, ticket = placed[0], new_id()
    await replica.apply(ticket, 0, listing)

    async def nothing() -> None:
        pass

    async def save() -> None:
        order = Order.place(BUYER, Ticket(new_id(), "New", Money(2_000)), times.now())
        await placements.save(order)
        order.cancel(times.now())
        await placements.save(order)
        await placements.relay.drained()

    async def one_too_many() -> None:
        buyer = new_id()

        async def place() -> None:
            order = Order.place(buyer, Ticket(new_id(), "New", Money(2_000)), times.now())
            await placements.place(order, None, 5, HOLD)

        for _ in range(5):
            await place()
        with pytest.raises(TooManyOpenOrders):
            await place()
        await placements.relay.drained()

    async def sent_twice() -> None:
        creation = Creation.of("/api/orders", BUYER, "key", {})

        async def place() -> Order:
            order = Order.place(BUYER, Ticket(new_id(), "New", Money(2_000)), times.now())
            await placements.create(order, creation)
            return order

        assert (await placements.once(creation, place)).id == (await placements.once(creation, place)).id
        await placements.relay.drained()

    queries: dict[str, Callable[[], Awaitable[object]]] = {
        "orders.create": sent_twice,
        "orders.once": sent_twice,
        "orders.find": lambda: placements.find(one.id),
        "orders.place": one_too_many,
        "orders.unpaid_ends": lambda: placements.unpaid_ends(GIVES_UP, placed[1].ticket.id),
        "orders.unpaid_ends of several": lambda: asyncio.gather(
            *(placements.unpaid_ends(order.user_id, order.ticket.id) for order in placed[:50])
        ),
        "orders.get": lambda: placements.get(one.id),
        "orders.save": save,
        "orders.of_buyer": lambda: placements.of_buyer(BUYER, 20, None),
        "orders.of_buyer far on": lambda: placements.of_buyer(BUYER, 20, placed[COUNT // 2].id),
        "orders.overdue": lambda: placements.overdue(times.now(), HOLD),
        "orders.of_seller": lambda: placements.of_seller(SELLER, 20, None),
        "orders.of_seller far on": lambda: placements.of_seller(SELLER, 20, placed[COUNT // 2].id),
        "orders.past_deadline": lambda: placements.past_deadline(times.now()),
        "orders.unfulfilled": placements.unfulfilled,
        "tickets.find": lambda: replica.find(ticket),
        "tickets.apply": lambda: replica.apply(ticket, 1, listing),
        "tickets.in_order": lambda: replica.in_order(ticket, 2, nothing, listing),
        "tickets.listing": lambda: replica.listing(ticket),
        "relay.sweep": placements.relay.sweep,
    }

    assert missing(queries, orders=placements, tickets=replica) == set()
    own = exports(real_database)
    queries |= {f"export.{name}": partial(own.page, GIVES_UP, f"{name}:") for name in own.sections}
    assert await faults_of(real_database, queries) == []
