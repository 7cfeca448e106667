"""Queries and indexes of the payments database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.base.errors import Conflict, DuplicateKey, NotFound
from common.base.ids import made_at
from common.base.money import Money
from common.messaging.publisher import Publishers
from common.persistence.mongo import ASCENDING, Database, Document, Index
from common.persistence.replica import Replica
from common.persistence.repository import Repository
from payments import ledger
from payments.accounts import SellerAccounts
from payments.charges import Attempts, Charges
from payments.declined_cards import DeclinedCards
from payments.domain import Outcome, Payment, Status
from payments.dues import Dues
from payments.gateway import DisputeState
from payments.order import Fulfilment, Order

OF_SELLER = {"seller_id": {"$exists": True}}


class PaymentRepository(Repository[Payment]):
    collection = "payments"
    indexes = (
        Index([("order_id", ASCENDING)], name="of_order", unique=True),
        Index([("user_id", ASCENDING), ("_id", ASCENDING)], name="of_user"),
        Index([("seller_id", ASCENDING), ("_id", ASCENDING)], name="of_seller", where=OF_SELLER),
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
            "outcome": str(payment.outcome) or None,
            "dispute": None if payment.dispute is None else str(payment.dispute),
            "paid_cents": ledger.paid_cents(payment.entries) or None,
            "entries": ledger.to_documents(payment.entries) or None,
        }

    def from_document(self, document: Document) -> Payment:
        fulfilment, dispute = document.get("fulfilment"), document.get("dispute")
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
            outcome=Outcome(document.get("outcome", "")),
            dispute=None if dispute is None else DisputeState(dispute),
            entries=_entries(document),
            fulfilment=None if fulfilment is None else Fulfilment(fulfilment),
            seller_id=document.get("seller_id", ""),
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


def _entries(document: Document) -> ledger.Entries:
    """Entries of a payment. The last release stored none: the capture is that of its document."""
    stored = document.get("entries", ())
    if stored or document["status"] != Status.CAPTURED:
        return ledger.from_documents(stored)
    return ledger.captured(Money(document["amount_cents"]), made_at(document["_id"]))


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
        return None if document is None else _order(document)

    async def with_fulfilment(self, after: str, limit: int = 500) -> Sequence[Order]:
        """Page of orders whose ticket was handed over, by id. Reads all orders: no request has this query."""
        query, order = {"_id": {"$gt": after}, "fulfilment": {"$ne": None}}, [("_id", ASCENDING)]
        return [_order(found) for found in await self.documents.find(query, sort=order, limit=limit)]


def _order(document: Document) -> Order:
    fulfilment = document.get("fulfilment")
    return Order(
        id=document["_id"],
        user_id=document["user_id"],
        status=document["status"],
        price=Money(document["price_cents"]),
        expires_at=document["expires_at"],
        version=document["version"],
        fulfilment=None if fulfilment is None else Fulfilment(fulfilment),
        seller_id=document.get("seller_id", ""),
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
    dues: Dues
    accounts: SellerAccounts
    charges: Charges
    attempts: Attempts
    declined: DeclinedCards
    webhooks: WebhookInbox

    @classmethod
    def over(cls, database: Database, publishers: Publishers) -> "Repositories":
        declined = DeclinedCards(database)
        return cls(
            PaymentRepository(database, publishers),
            OrderReplica(database),
            Dues(database),
            SellerAccounts(database),
            Charges(database, declined),
            Attempts(database),
            declined,
            WebhookInbox(database),
        )
