"""Every query and index of the orders database."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.base import times
from common.base.creation import Creation
from common.base.errors import DuplicateKey
from common.base.money import Money
from common.contract.details import Details
from common.messaging.publisher import Publishers
from common.persistence.coalescer import Coalescer
from common.persistence.creations import ONE_PER_KEY, marked
from common.persistence.mongo import ASCENDING, DESCENDING, Database, Document, Index
from common.persistence.replica import Replica
from common.persistence.repository import Repository
from common.persistence.revisits import Revisits
from common.persistence.slots import FIELD, LOOKED_AT, Slots, SlotsTaken
from orders.domain import Order, PaymentState, Status, Ticket
from orders.errors import TicketReserved, TooManyOpenOrders
from orders.limits import ENDS_LOOKED_AT

OVERDUE_LIMIT = 200


HELD: Document = {"status": {"$in": [Status.CREATED.value, Status.AWAITING_PAYMENT.value]}}
"""Orders that can become overdue: few, however many orders have ended."""
SLOTS = Slots("one_open_order_per_slot", "user_id", HELD)


class OrderRepository(Repository[Order]):
    collection = "orders"
    retired = ("overdue",)
    indexes = (
        # This unique index decides which order wins a ticket.
        Index([("reservation", ASCENDING)], name="one_live_order_per_ticket", unique=True, sparse=True),
        ONE_PER_KEY,
        Index([("user_id", ASCENDING), ("_id", DESCENDING)], name="of_buyer"),
        Index([("status", ASCENDING), ("expires_at", ASCENDING)], name="overdue_holds", where=HELD),
        SLOTS.index,
        Index(
            [("user_id", ASCENDING), ("ticket.id", ASCENDING), ("ended_at", DESCENDING)],
            name="unpaid_ends",
            where={"ended_at": {"$exists": True}},
        ),
    )

    def __init__(self, database: Database, publishers: Publishers) -> None:
        super().__init__(database, publishers)
        self._ends: Coalescer[tuple[str, str], Sequence[datetime]] = Coalescer(self._find_ends)

    def to_document(self, order: Order) -> Document:
        return {
            "user_id": order.user_id,
            "status": order.status.value,
            "payment": None if order.payment is None else order.payment.value,
            "ended_because": order.ended_because,
            "completed_at": order.completed_at,
            "ended_at": order.ended_at,
            "expires_at": order.expires_at,
            "reservation": order.reservation,
            "ticket": {
                "id": order.ticket.id,
                "title": order.ticket.title,
                "price_cents": order.ticket.price.cents,
                "details": order.ticket.details.to_document(),
            },
        }

    def from_document(self, document: Document) -> Order:
        payment = document.get("payment")
        return Order(
            id=document["_id"],
            version=document["version"],
            user_id=document["user_id"],
            status=Status(document["status"]),
            payment=None if payment is None else PaymentState(payment),
            ended_because=document.get("ended_because"),
            completed_at=document.get("completed_at"),
            ended_at=document.get("ended_at"),
            expires_at=document["expires_at"],
            ticket=_ticket(document["ticket"]),
        )

    async def place(self, order: Order, creation: Creation | None, limit: int, hold: timedelta) -> None:
        """Stores a new order in one of the `limit` slots of its buyer.

        Raises TicketReserved where another order has the ticket, or where the creation's key is known, and
        TooManyOpenOrders, with the time until the first of the buyer's open orders ends by itself.
        """

        async def store(slot: int) -> None:
            await self._save(order, {**marked(creation), FIELD: slot})

        try:
            await SLOTS.fill(self.documents, order.user_id, limit, store)
        except DuplicateKey:
            raise TicketReserved() from None
        except SlotsTaken as full:
            wait = await self._first_end(full.taken, hold) - times.now()
            raise TooManyOpenOrders(times.whole_seconds(wait)) from None

    async def _first_end(self, taken: Document, hold: timedelta) -> datetime:
        """When the first of the orders ends by itself; now where all of them ended meanwhile."""
        found = await self.documents.find(taken, {"outbox": 0}, limit=LOOKED_AT)
        ends = (self.from_document(document).held_until(hold) for document in found)
        return min((end for end in ends if end is not None), default=times.now())

    async def unpaid_ends(self, user_id: str, ticket_id: str) -> Sequence[datetime]:
        """When the user's latest orders of the ticket ended unpaid, newest first; at most ENDS_LOOKED_AT."""
        return await self._ends.submit((user_id, ticket_id))

    async def _find_ends(self, asked: Sequence[tuple[str, str]]) -> Sequence[Sequence[datetime]]:
        """In one query, for buyers who order at the same time: most have no such order."""
        pairs = [
            {"user_id": user_id, "ticket.id": ticket_id, "ended_at": {"$exists": True}}
            for user_id, ticket_id in set(asked)
        ]
        query = {"$or": pairs} if len(pairs) > 1 else pairs[0]
        shown, order = {"_id": 0, "user_id": 1, "ticket.id": 1, "ended_at": 1}, [("ended_at", DESCENDING)]
        found = await self.documents.find(query, shown, sort=order, limit=ENDS_LOOKED_AT * len(pairs))
        ends = defaultdict[tuple[str, str], list[datetime]](list)
        for each in found:
            ends[each["user_id"], each["ticket"]["id"]].append(each["ended_at"])
        return [ends[pair][:ENDS_LOOKED_AT] for pair in asked]

    async def of_buyer(self, user_id: str, limit: int, before: str | None) -> Sequence[Order]:
        """The newest orders of `user_id` with ids below `before`, at most `limit`."""
        query: Document = {"user_id": user_id}
        if before is not None:
            query["_id"] = {"$lt": before}
        order = [("_id", DESCENDING)]
        found = await self.documents.find(query, {"outbox": 0}, sort=order, limit=limit)
        return [self.from_document(document) for document in found]

    async def overdue(self, now: datetime, hold: timedelta) -> Sequence[str]:
        """Ids of overdue orders, at most 200."""
        query = {
            "$or": [
                {"status": Status.CREATED.value, "expires_at": {"$lte": now}},
                {"status": Status.AWAITING_PAYMENT.value, "expires_at": {"$lte": now - hold}},
            ]
        }
        found = await self.documents.find(query, {"_id": 1}, limit=OVERDUE_LIMIT)
        return [document["_id"] for document in found]


@dataclass(frozen=True, slots=True)
class Listing:
    """The fields of a ticket that an order needs."""

    ticket: Ticket
    seller_id: str
    withdrawn: bool


class TicketReplica(Replica):
    """`{_id: ticket id, version, title, price_cents, details?, user_id, order_id?, withdrawn?}`.

    Owned by tickets.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database["tickets"])

    async def listing(self, ticket_id: str) -> Listing | None:
        document = await self.find(ticket_id)
        if document is None:
            return None
        return Listing(
            ticket=_ticket(document | {"id": document["_id"]}),
            seller_id=document["user_id"],
            withdrawn=document.get("withdrawn", False),
        )


def _ticket(document: Document) -> Ticket:
    details = Details.from_document(document.get("details"))
    return Ticket(document["id"], document["title"], Money(document["price_cents"]), details)


@dataclass(frozen=True, slots=True)
class Repositories:
    orders: OrderRepository
    tickets: TicketReplica
    deleted_users: Revisits

    @classmethod
    def over(cls, database: Database, publishers: Publishers) -> "Repositories":
        return cls(
            OrderRepository(database, publishers),
            TicketReplica(database),
            Revisits(database["deleted_users"]),
        )
