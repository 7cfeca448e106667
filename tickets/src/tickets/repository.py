"""Every query and index of the tickets database."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from common.base import times
from common.base.creation import Creation
from common.base.errors import DuplicateKey
from common.base.money import Money
from common.contract.details import Details, first_day
from common.messaging.publisher import Publishers
from common.persistence.creations import ONE_PER_KEY, marked
from common.persistence.mongo import ASCENDING, DESCENDING, Database, Document, Index
from common.persistence.replica import Replica
from common.persistence.repository import Repository, change_to
from common.persistence.revisits import Revisits
from common.persistence.slots import FIELD, LOOKED_AT, Slots, SlotsTaken
from tickets import search
from tickets.domain import Ticket, status_of
from tickets.errors import TicketAlreadyListed, TooManyListings
from tickets.files.record import fields_of, file_of
from tickets.sorting import ORDERS, Cursor, Sort, beyond, not_before, soonness


@dataclass(frozen=True, slots=True)
class Page:
    """city: Folded; "" for any. first_day, last_day: Of the event; None for no bound."""

    limit: int
    sort: Sort = Sort.NEWEST
    after: Cursor | None = None
    words: str = ""
    min_price: Money | None = None
    max_price: Money | None = None
    city: str = ""
    first_day: date | None = None
    last_day: date | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A seller's listings: their number in each status, and the sum of the sold ones."""

    counts: Mapping[str, int]
    earned_cents: int


ON_SALE: Document = {"on_sale": True}
BARCODES = "one_listing_per_barcode"
"""The unique index that decides which listing has a barcode."""
SLOTS = Slots("one_listing_per_slot", "user_id", {"sold": False, "withdrawn": False})
DERIVED_LIMIT = 200
SEARCHES = 2
"""Searches for a free slot: the second one after those of listings whose day is over were freed."""


class TicketRepository(Repository[Ticket]):
    collection = "tickets"
    # Those of the public list hold only what is on sale, however much was sold before. Each gives its order;
    # one that is not by price ends with the price, so that a filter by price fetches no document in vain.
    indexes = (
        Index([("_id", DESCENDING), ("price_cents", ASCENDING)], name="on_sale_newest", where=ON_SALE),
        Index([("price_cents", ASCENDING), ("_id", DESCENDING)], name="on_sale_cheapest", where=ON_SALE),
        Index(
            [("soonness", DESCENDING), ("_id", DESCENDING), ("price_cents", ASCENDING)],
            name="on_sale_soonest",
            where=ON_SALE,
        ),
        Index([("user_id", ASCENDING), ("_id", DESCENDING)], name="of_seller"),
        Index(
            [("user_id", ASCENDING), ("price_cents", ASCENDING), ("_id", DESCENDING)],
            name="of_seller_by_price",
        ),
        Index(
            [("user_id", ASCENDING), ("soonness", DESCENDING), ("_id", DESCENDING)],
            name="of_seller_by_day",
        ),
        Index([("derivation", ASCENDING)], name="by_derivation"),
        ONE_PER_KEY,
        SLOTS.index,
        Index([("reserved", ASCENDING)], BARCODES, unique=True, sparse=True),
        Index([("sealed.key_id", ASCENDING)], "by_file_key", where={"sealed.key_id": {"$exists": True}}),
    )
    retired = ("newest_on_sale", "cheapest_on_sale", "soonest_on_sale")

    derivation: ClassVar[int] = 3
    """Number of the way in which `derived` follows from a ticket: one more for each release that changes it.

    It is stored with each ticket. A lower one is an older release's, and `sweep.py` derives again.
    """

    def __init__(self, database: Database, publishers: Publishers, max_listings: int = 100) -> None:
        super().__init__(database, publishers)
        self._max_listings = max_listings

    def derived(self, ticket: Ticket) -> Document:
        """Fields for queries alone, which follow from the others, and `on_sale` from the day as well.

        A listing that counts no more loses its slot.
        """
        now = times.now()
        return {
            "search": search.text_of(ticket),
            "city": search.folded_city(ticket.details.city),
            "soonness": soonness(ticket),
            "on_sale": ticket.on_sale and not ticket.details.is_over(now),
            "derivation": self.derivation,
            "reserved": list(ticket.file.barcodes) or None
            if ticket.file is not None and ticket.reserves_barcodes
            else None,
            **({} if ticket.is_listed(now) else {FIELD: None}),
        }

    def to_document(self, ticket: Ticket) -> Document:
        return {
            "title": ticket.title,
            "details": ticket.details.to_document(),
            "price_cents": ticket.price.cents,
            "user_id": ticket.user_id,
            "order_id": ticket.order_id,
            "order_price_cents": None if ticket.order_price is None else ticket.order_price.cents,
            "holder": None if ticket.buyer_id is None else _holder(ticket),
            "sold": ticket.sold,
            "withdrawn": ticket.withdrawn,
            **fields_of(ticket.file),
            **self.derived(ticket),
        }

    def from_document(self, document: Document) -> Ticket:
        order_price = document.get("order_price_cents")
        return Ticket(
            id=document["_id"],
            version=document["version"],
            title=document["title"],
            price=Money(document["price_cents"]),
            details=Details.from_document(document.get("details")),
            user_id=document["user_id"],
            order_id=document.get("order_id"),
            order_price=None if order_price is None else Money(order_price),
            buyer_id=_buyer_id(document),
            sold=document["sold"],
            withdrawn=document["withdrawn"],
            file=file_of(document),
        )

    async def _save(self, ticket: Ticket, marks: Mapping[str, Any]) -> None:
        """Raises TicketAlreadyListed where another listing has a barcode of its file."""
        try:
            await super()._save(ticket, marks)
        except DuplicateKey as refused:
            if refused.index == BARCODES:
                raise TicketAlreadyListed() from None
            raise

    async def put_on_sale(self, ticket: Ticket, creation: Creation | None = None) -> None:
        """Stores a listing that is new, or on sale again, in one of its seller's slots.

        Raises TooManyListings, Conflict after too many lost races for a slot, and DuplicateKey for a
        creation's key that is known.
        """

        async def store(slot: int) -> None:
            await self._save(ticket, {**marked(creation), FIELD: slot})

        for _ in range(SEARCHES):
            try:
                await SLOTS.fill(self.documents, ticket.user_id, self._max_listings, store)
            except SlotsTaken as full:
                if not await self._freed(full.taken):
                    break
            else:
                return
        raise TooManyListings()

    async def _freed(self, taken: Document) -> int:
        """Frees the slots of listings whose day is over, before the sweep does; returns their number."""
        query = {**taken, "soonness": {"$gt": _soonest()}, "order_id": None}
        found = await self.documents.find(query, {"outbox": 0}, limit=LOOKED_AT)
        await asyncio.gather(*map(self.derive_again, map(self.from_document, found)))
        return len(found)

    async def derived_by_older(self) -> Sequence[Ticket]:
        """Tickets that an older release saved last; at most DERIVED_LIMIT."""
        query = {"derivation": {"$not": {"$gte": self.derivation}}}
        found = await self.documents.find(query, {"outbox": 0}, limit=DERIVED_LIMIT)
        return [self.from_document(document) for document in found]

    async def over_on_sale(self) -> Sequence[Ticket]:
        """Tickets among those on sale whose day is over by now; at most DERIVED_LIMIT."""
        query = ON_SALE | {"soonness": {"$gt": _soonest()}}
        found = await self.documents.find(query, {"outbox": 0}, limit=DERIVED_LIMIT)
        return [self.from_document(document) for document in found]

    async def derive_again(self, ticket: Ticket) -> None:
        """Does nothing if the ticket changed after it was read.

        One that an older release put back on sale, though another listing has its barcode, loses that.
        """
        guard = {"_id": ticket.id, "version": ticket.version}
        try:
            await self._writer.update(guard, change_to(self.derived(ticket)))
        except DuplicateKey:
            ticket.give_barcodes_up()
            await self._writer.update(guard, change_to({**self.derived(ticket), "barcodes": None}))

    async def on_sale(self, page: Page) -> Sequence[Ticket]:
        """At most `page.limit` + 1 tickets: the extra one shows that there is a next page.

        None whose day is over, also before the sweep has taken it out of the indexes.
        """
        return await self._page(ON_SALE | {"soonness": not_before(_soonest())}, page)

    async def on_sale_of(self, ids: Sequence[str]) -> Sequence[Ticket]:
        """Those of these tickets that are on sale, in no order."""
        query = {"_id": {"$in": list(ids)}, **ON_SALE, "soonness": not_before(_soonest())}
        found = await self.documents.find(query, {"outbox": 0}, limit=len(ids)) if ids else []
        return [self.from_document(document) for document in found]

    async def of_seller(self, user_id: str, page: Page) -> Sequence[Ticket]:
        """The seller's listings in every state; at most `page.limit` + 1 of them."""
        return await self._page({"user_id": user_id}, page)

    async def summary(self, user_id: str) -> Summary:
        """Of all listings of the seller, in one pass over them."""
        group = {
            "_id": {
                "sold": "$sold",
                "withdrawn": "$withdrawn",
                "ordered": {"$cond": [{"$ifNull": ["$order_id", False]}, True, False]},
            },
            "count": {"$sum": 1},
            "cents": {"$sum": {"$ifNull": ["$order_price_cents", "$price_cents"]}},
        }
        counts, earned = Counter[str](), 0
        for found in await self.documents.aggregate([{"$match": {"user_id": user_id}}, {"$group": group}]):
            key = found["_id"]
            status = status_of(key["sold"], key["ordered"], key["withdrawn"])
            counts[status] += found["count"]
            earned += found["cents"] if status == "sold" else 0
        return Summary(counts, earned)

    async def _page(self, query: Document, page: Page) -> Sequence[Ticket]:
        conditions = [query, *_filters(page)]
        if page.after is not None:
            conditions.append(beyond(page.after, page.sort))
        found = await self.documents.find(
            {"$and": conditions}, {"outbox": 0}, sort=ORDERS[page.sort], limit=page.limit + 1
        )
        return [self.from_document(document) for document in found]


def _holder(ticket: Ticket) -> Document:
    return {"order_id": ticket.order_id, "user_id": ticket.buyer_id}


def _buyer_id(document: Document) -> str | None:
    """The buyer of the order that has the ticket. A release that does not know the field leaves it behind."""
    holder = document.get("holder", {})
    if holder.get("order_id") is None or holder["order_id"] != document.get("order_id"):
        return None
    buyer_id: str = holder["user_id"]
    return buyer_id


def _soonest() -> int:
    """The `soonness` of the earliest day that is not over."""
    return -first_day(times.now()).toordinal()


def _filters(page: Page) -> Iterator[Document]:
    for pattern in search.patterns(page.words):
        yield {"search": {"$regex": pattern}}
    if page.min_price is not None:
        yield {"price_cents": {"$gte": page.min_price.cents}}
    if page.max_price is not None:
        yield {"price_cents": {"$lte": page.max_price.cents}}
    if page.city:
        yield {"city": page.city}
    # The later a day, the lower its `soonness`.
    if page.first_day is not None:
        yield {"soonness": {"$lte": -page.first_day.toordinal()}}
    if page.last_day is not None:
        yield {"soonness": {"$gte": -page.last_day.toordinal()}}
    if page.status is not None:
        yield _STATUSES[page.status]


_STATUSES: Mapping[str, Document] = {
    "available": {"order_id": None, "withdrawn": False},
    "held": {"order_id": {"$ne": None}, "sold": False},
    "sold": {"sold": True},
    "withdrawn": {"withdrawn": True, "order_id": None},
}
"""The statuses of `domain.status_of`."""

ENDED = {"ended": True}
"""Fields stored with the version that ended an order without a sale."""
REFUNDED = {"refunded": True}
"""Fields stored with the version from which on the buyer has the money back, and the file is closed."""


class OrderProgress(Replica):
    """How far each order's events took effect: `{_id: order id, version, ended?, refunded?}`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database["orders"])

    async def end(self, order_id: str, version: int) -> None:
        """Stores the version that ended an order which never held its ticket; earlier events are ignored."""
        earlier = {"_id": order_id, "version": {"$lt": version}}
        # `upsert` fails with DuplicateKey where that version, or a later one, is stored already.
        with suppress(DuplicateKey):
            await self.documents.update_one(earlier, {"$set": {"version": version, **ENDED}}, upsert=True)

    async def has_begun(self, order_id: str) -> bool:
        return await self.find(order_id) is not None

    async def has_ended(self, order_id: str) -> bool:
        document = await self.find(order_id)
        return document is not None and document.get("ended", False)

    async def is_refunded(self, order_id: str) -> bool:
        document = await self.find(order_id)
        return document is not None and document.get("refunded", False)


@dataclass(frozen=True, slots=True)
class Repositories:
    tickets: TicketRepository
    orders: OrderProgress
    deleted_users: Revisits

    @classmethod
    def over(cls, database: Database, publishers: Publishers, max_listings: int = 100) -> "Repositories":
        return cls(
            TicketRepository(database, publishers, max_listings),
            OrderProgress(database),
            Revisits(database["deleted_users"]),
        )
