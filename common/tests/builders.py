"""A small aggregate with its events, on everything that a service builds from `common`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import TicketCreated, TicketUpdated
from common.messaging.consumer import Consumer
from common.messaging.listener import Listener
from common.messaging.parking import Parking
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream
from common.persistence.aggregate import Aggregate
from common.persistence.mongo import ASCENDING, Database, Document, Index
from common.persistence.repository import Repository


@dataclass(kw_only=True)
class Listing(Aggregate):
    title: str
    order_id: str | None = None

    @classmethod
    def offer(cls, title: str = "Concert", order_id: str | None = None) -> "Listing":
        listing = cls(id=new_id(), title=title, order_id=order_id)
        return listing.record(
            TicketCreated(id=listing.id, version=0, title=title, price=Money(2000), user_id="u")
        )

    def change(self, title: str, order_id: str | None = None) -> None:
        self.title, self.order_id = title, order_id
        self.record(a_change(self.id, self.next_version, title))


def a_change(ticket_id: str = "1", version: int = 1, title: str = "Concert") -> TicketUpdated:
    return TicketUpdated(id=ticket_id, version=version, title=title, price=Money(2000), user_id="u")


def a_creation(ticket_id: str = "1") -> TicketCreated:
    return TicketCreated(id=ticket_id, version=0, title="Concert", price=Money(2000), user_id="u")


class Listings(Repository[Listing]):
    collection = "listings"
    indexes: ClassVar[Sequence[Index]] = (
        Index([("order_id", ASCENDING)], name="one_per_order", unique=True, sparse=True),
    )

    def to_document(self, listing: Listing) -> Document:
        return {"title": listing.title, "order_id": listing.order_id}

    def from_document(self, document: Document) -> Listing:
        return Listing(
            id=document["_id"],
            version=document["version"],
            title=document["title"],
            order_id=document.get("order_id"),
        )


class CreatedPublisher(Publisher[TicketCreated], source="tickets"): ...


class UpdatedPublisher(Publisher[TicketUpdated], source="tickets"): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(stream, [CreatedPublisher, UpdatedPublisher])


async def listings(database: Database, stream: Stream) -> Listings:
    repository = Listings(database, publishers(stream))
    await repository.prepare()
    return repository


@asynccontextmanager
async def consuming(
    stream: Stream, *listeners: Listener[Any], capacity: int = 128, parking: Parking | None = None
) -> AsyncIterator[Consumer]:
    """A consumer that runs, once it is bound; drained afterwards."""
    consumer = Consumer(stream, listeners, parking, capacity)
    task = asyncio.create_task(consumer.run())
    await until(lambda: consumer.ready)
    try:
        yield consumer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(consumer.drained(), 5)


async def until(condition: Callable[[], object], timeout: float = 5.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.001)


def versions(bodies: Sequence[dict[str, Any]]) -> list[int]:
    return [body["version"] for body in bodies]
