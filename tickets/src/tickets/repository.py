"""Every query and index of the tickets database."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.money import Money
from common.mongo import Database, Document
from common.publisher import Publishers
from common.replica import Replica
from common.repository import Repository
from tickets.domain import Ticket

Cursor = tuple[int, str]
"""The price in cents and the id of the last ticket of a page; the price counts only when sorted by it."""


@dataclass(frozen=True, slots=True)
class Page:
    limit: int
    by_price: bool = False
    after: Cursor | None = None
    words: str = ""


class TicketRepository(Repository[Ticket]):
    collection = "tickets"
    indexes = (
        IndexModel([("on_sale", ASCENDING), ("_id", DESCENDING)], name="newest_on_sale"),
        IndexModel(
            [("on_sale", ASCENDING), ("price_cents", ASCENDING), ("_id", DESCENDING)],
            name="cheapest_on_sale",
        ),
        IndexModel([("user_id", ASCENDING), ("_id", DESCENDING)], name="of_seller"),
    )

    def to_document(self, ticket: Ticket) -> Document:
        return {
            "title": ticket.title,
            "search": ticket.title.casefold(),
            "price_cents": ticket.price.cents,
            "user_id": ticket.user_id,
            "order_id": ticket.order_id,
            "sold": ticket.sold,
            "withdrawn": ticket.withdrawn,
            "on_sale": ticket.on_sale,
        }

    def from_document(self, document: Document) -> Ticket:
        return Ticket(
            id=document["_id"],
            version=document["version"],
            title=document["title"],
            price=Money(document["price_cents"]),
            user_id=document["user_id"],
            order_id=document.get("order_id"),
            sold=document["sold"],
            withdrawn=document["withdrawn"],
        )

    async def on_sale(self, page: Page) -> Sequence[Ticket]:
        """At most `page.limit` + 1 tickets: one more tells that there is a next page."""
        return await self._page({"on_sale": True}, page)

    async def of_seller(self, user_id: str, page: Page) -> Sequence[Ticket]:
        """The seller's listings in every state; at most `page.limit` + 1 of them."""
        return await self._page({"user_id": user_id}, page)

    async def _page(self, query: Document, page: Page) -> Sequence[Ticket]:
        if page.words:
            query["search"] = {"$regex": re.escape(page.words.casefold())}
        if page.after is not None:
            query.update(_beyond(page.after, page.by_price))
        order = [("price_cents", ASCENDING)] if page.by_price else []
        cursor = self.documents.find(query, {"outbox": 0}).sort([*order, ("_id", DESCENDING)])
        found = await cursor.limit(page.limit + 1).to_list(page.limit + 1)
        return [self.from_document(document) for document in found]


def _beyond(after: Cursor, by_price: bool) -> Document:
    cents, ticket_id = after
    if not by_price:
        return {"_id": {"$lt": ticket_id}}
    return {"$or": [{"price_cents": {"$gt": cents}}, {"price_cents": cents, "_id": {"$lt": ticket_id}}]}


ENDED = {"ended": True}
"""What is noted with the version that ended an order without a sale."""


class OrderProgress(Replica):
    """How far each order's events took effect on its ticket: `{_id: order id, version, ended?}`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database["orders"])

    async def end(self, order_id: str, version: int) -> None:
        """Notes the version that ended an order which never got its ticket: the earlier ones are dropped."""
        try:
            await self.documents.insert_one({"_id": order_id, "version": version, **ENDED})
        except DuplicateKeyError:
            earlier = {"_id": order_id, "version": {"$lt": version}}
            await self.documents.update_one(earlier, {"$set": {"version": version, **ENDED}})

    async def has_ended(self, order_id: str) -> bool:
        document = await self.find(order_id)
        return document is not None and document.get("ended", False)


@dataclass(frozen=True, slots=True)
class Repositories:
    tickets: TicketRepository
    orders: OrderProgress

    @classmethod
    def over(cls, database: Database, publishers: Publishers) -> "Repositories":
        return cls(TicketRepository(database, publishers), OrderProgress(database))
