"""Every query and index of the orders database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.base.errors import DuplicateKey
from common.base.money import Money
from common.contract.details import Details
from common.messaging.publisher import Publishers
from common.persistence.aggregate import UNSAVED
from common.persistence.creations import ONE_PER_KEY
from common.persistence.mongo import ASCENDING, DESCENDING, Database, Document, Index
from common.persistence.replica import Replica
from common.persistence.repository import Repository
from orders.domain import Order, PaymentState, Status, Ticket
from orders.errors import TicketReserved

OVERDUE_LIMIT = 200


HELD: Document = {"status": {"$in": [Status.CREATED.value, Status.AWAITING_PAYMENT.value]}}
"""Orders that can become overdue: few, however many orders have ended."""


class OrderRepository(Repository[Order]):
    collection = "orders"
    retired = ("overdue",)
    indexes = (
        # This unique index decides which order wins a ticket.
        Index([("reservation", ASCENDING)], name="one_live_order_per_ticket", unique=True, sparse=True),
        ONE_PER_KEY,
        Index([("user_id", ASCENDING), ("_id", DESCENDING)], name="of_buyer"),
        Index([("status", ASCENDING), ("expires_at", ASCENDING)], name="overdue_holds", where=HELD),
    )

    def to_document(self, order: Order) -> Document:
        return {
            "user_id": order.user_id,
            "status": order.status.value,
            "payment": None if order.payment is None else order.payment.value,
            "ended_because": order.ended_because,
            "completed_at": order.completed_at,
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
            expires_at=document["expires_at"],
            ticket=_ticket(document["ticket"]),
        )

    async def _save(self, order: Order, marks: Mapping[str, Any]) -> None:
        """Like the base's. Raises TicketReserved for a new order of a ticket that another order has."""
        is_new = order.version == UNSAVED
        try:
            await super()._save(order, marks)
        except DuplicateKey:
            if not is_new:
                raise
            raise TicketReserved() from None

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

    @classmethod
    def over(cls, database: Database, publishers: Publishers) -> "Repositories":
        return cls(OrderRepository(database, publishers), TicketReplica(database))
