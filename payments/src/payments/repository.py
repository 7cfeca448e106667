"""Queries and indexes of the payments database."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.base.errors import Conflict, DuplicateKey, NotFound
from common.base.money import Money
from common.messaging.publisher import Publishers
from common.persistence.batching import DocumentReader
from common.persistence.mongo import ASCENDING, Database, Document, Index
from common.persistence.replica import Replica
from common.persistence.repository import Repository
from payments.declined_cards import PLACE, DeclinedCards
from payments.domain import RETRYABLE, Attempt, AttemptStatus, Order, Payment, Status
from payments.gateway import Charge

AUTHORIZING, RESOLVED = AttemptStatus.AUTHORIZING, AttemptStatus.RESOLVED


class PaymentRepository(Repository[Payment]):
    collection = "payments"
    indexes = (
        Index([("order_id", ASCENDING)], name="of_order", unique=True),
        Index([("user_id", ASCENDING), ("_id", ASCENDING)], name="of_user"),
        Index([("open", ASCENDING), ("_id", ASCENDING)], name="open_payments", where={"open": True}),
    )
    retired = ("open",)

    def to_document(self, payment: Payment) -> Document:
        return {
            "order_id": payment.order_id,
            "user_id": payment.user_id,
            "amount_cents": payment.amount.cents,
            "status": str(payment.status),
            "open": payment.is_open,
            "intent_id": payment.intent_id,
            "attempt": payment.attempt,
            "client_secret": payment.client_secret,
        }

    def from_document(self, document: Document) -> Payment:
        return Payment(
            id=document["_id"],
            version=document["version"],
            order_id=document["order_id"],
            user_id=document["user_id"],
            amount=Money(document["amount_cents"]),
            status=Status(document["status"]),
            intent_id=document["intent_id"],
            attempt=document["attempt"],
            client_secret=document.get("client_secret"),
        )

    async def save(self, aggregate: Payment) -> None:
        """Stores the payment. Raises Conflict also if the order's first payment was stored meanwhile."""
        try:
            await super().save(aggregate)
        except DuplicateKey:
            raise Conflict() from None

    async def of_order(self, order_id: str) -> Payment | None:
        document = await self.documents.find_one({"order_id": order_id}, {"outbox": 0})
        return None if document is None else self.from_document(document)

    async def open_after(self, payment_id: str, limit: int) -> Sequence[Payment]:
        """Page of payments neither captured nor voided, by id, after `payment_id` ("" for the first)."""
        return await self._page({"open": True, "_id": {"$gt": payment_id}}, limit)

    async def page(self, after: str, limit: int) -> Sequence[Payment]:
        """All payments, oldest first, page by page, for a comparison with the provider's own record."""
        return await self._page({"_id": {"$gt": after}}, limit)

    async def _page(self, query: Document, limit: int) -> Sequence[Payment]:
        order = [("_id", ASCENDING)]
        found = await self.documents.find(query, {"outbox": 0}, sort=order, limit=limit)
        return [self.from_document(document) for document in found]


class OrderReplica(Replica):
    def __init__(self, database: Database) -> None:
        super().__init__(database["orders"])

    async def get(self, order_id: str) -> Order:
        """Reads an order. Raises NotFound, also for an order that has not reached this service yet."""
        order = await self.lookup(order_id)
        if order is None:
            raise NotFound()
        return order

    async def lookup(self, order_id: str) -> Order | None:
        document = await self.find(order_id)
        if document is None:
            return None
        return Order(
            id=document["_id"],
            user_id=document["user_id"],
            status=document["status"],
            price=Money(document["price_cents"]),
            expires_at=document["expires_at"],
        )


class Attempts:
    """Latest attempt of each order: one document per order, whose `_id` is the order's id.

    Each change is one guarded update. So exactly one of several concurrent callers begins an attempt, and a
    late outcome never changes a later attempt.
    """

    def __init__(self, database: Database, declined: DeclinedCards) -> None:
        self._documents = database["attempts"]
        self._declined = declined
        self._reader = DocumentReader(self._documents)

    async def prepare(self) -> None:
        await self._documents.create_indexes(
            [
                Index([("check_at", ASCENDING)], name="to_be_checked", sparse=True),
                Index([("user_id", ASCENDING), ("_id", ASCENDING)], name="of_user"),
            ]
        )

    async def find(self, order_id: str) -> Attempt | None:
        document = await self._reader.find(order_id)
        return None if document is None else _attempt(document)

    async def begin(self, attempt: Attempt) -> bool:
        """Stores the attempt, which has a place among its account's cards, as the order's latest.

        Returns False if another caller was faster.
        """
        order_id, number = attempt.charge.order_id, attempt.charge.attempt
        fields = {**_fields(attempt), PLACE: number}
        if number == 1:
            try:
                await self._documents.insert_one({"_id": order_id, **fields})
            except DuplicateKey:
                return False
            return True
        return await self._change(order_id, number - 1, RETRYABLE, {"$set": fields})

    async def restore(self, attempt: Attempt) -> None:
        """Stores an attempt that a backup lacks, unless it has that one or a later one of the order."""
        earlier = {"_id": attempt.order_id, "number": {"$lt": attempt.charge.attempt}}
        # `upsert` fails with DuplicateKey where that attempt, or a later one, is stored already.
        with suppress(DuplicateKey):
            await self._documents.update_one(earlier, {"$set": _fields(attempt)}, upsert=True)

    async def decline(self, order_id: str, number: int, decline_reason: str) -> bool:
        """Marks the attempt as declined by the provider, at once or at the further step, and counts that."""
        change = _ended(AttemptStatus.DECLINED, decline_reason) | {"$inc": {"declines": 1}}
        return await self._change(order_id, number, (AUTHORIZING, RESOLVED), change)

    async def fail(self, order_id: str, number: int) -> bool:
        ended = await self._change(order_id, number, (AUTHORIZING,), _ended(AttemptStatus.FAILED))
        if ended:
            await self._declined.not_declined(order_id, number)
        return ended

    async def finish(self, order_id: str, number: int, *, is_awaiting: bool = False) -> bool:
        """Marks the outcome as known: the payment holds it.

        is_awaiting: The card's owner has a further step to take, at which the card may yet be declined.
        """
        ended = await self._change(order_id, number, (AUTHORIZING, *RETRYABLE), _ended(RESOLVED))
        if not is_awaiting:
            await self._declined.not_declined(order_id, number)
        return ended

    async def due(self, now: datetime, limit: int) -> Sequence[Attempt]:
        """Attempts of unknown outcome whose `check_at` has come, the longest waiting first."""
        query, order = {"check_at": {"$lte": now}}, [("check_at", ASCENDING)]
        return [_attempt(found) for found in await self._documents.find(query, sort=order, limit=limit)]

    async def lease(self, attempt: Attempt, until: datetime) -> bool:
        """Leases a due attempt to this process until `until`; False if another process has the lease."""
        return await self._documents.update_one(
            {"_id": attempt.charge.order_id, "check_at": attempt.check_at}, {"$set": {"check_at": until}}
        )

    async def postpone(self, attempt: Attempt, until: datetime) -> None:
        await self._change(
            attempt.charge.order_id, attempt.charge.attempt, (AUTHORIZING,), {"$set": {"check_at": until}}
        )

    async def _change(
        self, order_id: str, number: int, within: Sequence[AttemptStatus], change: Document
    ) -> bool:
        guard: Document = {"_id": order_id, "number": number, "status": {"$in": [str(s) for s in within]}}
        return await self._documents.update_one(guard, change)


def _ended(status: AttemptStatus, decline_reason: str = "") -> Document:
    return {"$set": {"status": str(status), "words": decline_reason}, "$unset": {"check_at": ""}}


def _fields(attempt: Attempt) -> Document:
    charge = attempt.charge
    return {
        "payment_id": attempt.payment_id,
        "user_id": attempt.user_id,
        "status": str(attempt.status),
        "number": charge.attempt,
        "key": charge.key,
        "token": charge.token,
        "amount_cents": charge.amount.cents,
        "started_at": charge.started_at,
        "words": attempt.decline_reason,
        "check_at": attempt.check_at,
    }


def _attempt(document: Document) -> Attempt:
    amount = Money(document["amount_cents"])
    number, key, token = document["number"], document["key"], document["token"]
    return Attempt(
        payment_id=document["payment_id"],
        user_id=document["user_id"],
        status=AttemptStatus(document["status"]),
        charge=Charge(document["_id"], number, key, token, amount, document["started_at"]),
        decline_reason=document["words"],
        check_at=document.get("check_at"),
        declines=document.get("declines", 0),
    )


class WebhookInbox:
    """Provider's events by their ids, so that each event takes effect once."""

    RETENTION = timedelta(days=60)
    """Longer than the time for which a provider repeats an event."""

    def __init__(self, database: Database) -> None:
        self._documents = database["webhook_events"]

    async def prepare(self) -> None:
        await self._documents.create_indexes(
            [Index([("received_at", ASCENDING)], name="kept", expire_after=self.RETENTION)]
        )

    async def receive(self, event_id: str, fields: dict[str, Any], now: datetime) -> bool:
        """Stores the event. Returns False if it took effect before.

        An event that was stored before a crash, but had no effect yet, returns True when it is repeated.
        """
        try:
            await self._documents.insert_one({"_id": event_id, **fields, "received_at": now})
        except DuplicateKey:
            known = await self._documents.find_one({"_id": event_id})
            return known is None or known.get("processed_at") is None
        return True

    async def processed(self, event_id: str, now: datetime) -> None:
        await self._documents.update_one({"_id": event_id}, {"$set": {"processed_at": now}})


@dataclass(frozen=True, slots=True)
class Repositories:
    payments: PaymentRepository
    orders: OrderReplica
    attempts: Attempts
    declined: DeclinedCards
    webhooks: WebhookInbox

    @classmethod
    def over(cls, database: Database, publishers: Publishers) -> "Repositories":
        declined = DeclinedCards(database)
        return cls(
            PaymentRepository(database, publishers),
            OrderReplica(database),
            Attempts(database, declined),
            declined,
            WebhookInbox(database),
        )
