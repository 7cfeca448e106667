"""Payments whose money is to be refunded or paid out: the decision of orders, and the sweep's next look.

These fields of a payment have no versions and no events: each change is one guarded update, which a save of
the payment leaves alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.persistence.mongo import ASCENDING, Database, Document, Index
from payments.order import DECIDED, Fulfilment


@dataclass(frozen=True, slots=True)
class Due:
    """since: When orders decided. refusals: How often the provider refused for good."""

    order_id: str
    goal: Fulfilment
    due_at: datetime
    since: datetime
    refusals: int


class Dues:
    def __init__(self, database: Database) -> None:
        self._documents = database["payments"]

    async def prepare(self) -> None:
        of_seller: Document = {"due_at": {"$exists": True}}
        await self._documents.create_indexes(
            [
                Index([("due_at", ASCENDING)], name="due", sparse=True),
                Index(
                    [("seller_id", ASCENDING), ("due_at", ASCENDING)], name="due_of_seller", where=of_seller
                ),
            ]
        )

    async def follow(
        self, order_id: str, version: int, fulfilment: Fulfilment, seller_id: str, now: datetime
    ) -> bool:
        """Stores the order's fulfilment in its payment; a decision makes the payment due.

        version: Of the order: an earlier one changes nothing. The first decision stays, whatever follows it:
        a payment is never on its way to both sides. Returns False if nothing was changed.
        """
        guard: Document = {
            "order_id": order_id,
            "$or": [{"order_version": None}, {"order_version": {"$lt": version}}],
            "fulfilment": {"$nin": [str(decided) for decided in DECIDED]},
        }
        fields = {"order_version": version, "fulfilment": str(fulfilment), "seller_id": seller_id}
        if fulfilment in DECIDED:
            fields |= {"due_at": now, "due_since": now}
        return await self._documents.update_one(guard, {"$set": fields})

    async def of_order(self, order_id: str) -> Due | None:
        document = await self._documents.find_one({"order_id": order_id, "due_at": {"$exists": True}})
        return None if document is None else _due(document)

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """Those whose `due_at` has come, the longest waiting first."""
        order = [("due_at", ASCENDING)]
        found = await self._documents.find({"due_at": {"$lte": now}}, {"outbox": 0}, sort=order, limit=limit)
        return [_due(document) for document in found]

    async def lease(self, due: Due, until: datetime) -> bool:
        """Leases to this process until `until`; False if another process has the lease."""
        query = {"order_id": due.order_id, "due_at": due.due_at}
        return await self._documents.update_one(query, {"$set": {"due_at": until}})

    async def postpone(self, due: Due, leased: datetime, until: datetime) -> None:
        """Ends the lease, unless something else made the payment due meanwhile."""
        query = {"order_id": due.order_id, "due_at": leased}
        await self._documents.update_one(query, {"$set": {"due_at": until}})

    async def refused(self, due: Due) -> None:
        await self._documents.update_one({"order_id": due.order_id}, {"$inc": {"refusals": 1}})

    async def done(self, order_id: str) -> None:
        change: Document = {"$unset": {"due_at": "", "due_since": "", "refusals": ""}}
        await self._documents.update_one({"order_id": order_id}, change)

    async def hurry(self, order_id: str, now: datetime) -> None:
        """Makes a payment due now whose look was put off."""
        query = {"order_id": order_id, "due_at": {"$exists": True}}
        await self._documents.update_one(query, {"$set": {"due_at": now}})

    async def hurry_all(self, now: datetime) -> None:
        await self._documents.update_many({"due_at": {"$exists": True}}, {"$set": {"due_at": now}})

    async def hurry_seller(self, seller_id: str, now: datetime) -> None:
        """Makes all payments due now that wait for the seller's account."""
        query = {"seller_id": seller_id, "due_at": {"$exists": True}}
        await self._documents.update_many(query, {"$set": {"due_at": now}})


def _due(document: Document) -> Due:
    return Due(
        order_id=document["order_id"],
        goal=Fulfilment(document["fulfilment"]),
        due_at=document["due_at"],
        since=document["due_since"],
        refusals=document.get("refusals", 0),
    )
