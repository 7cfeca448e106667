"""Balance of a seller, from the payments of the seller's orders.

A payment has its seller once the ticket is handed over. The fee of a sale that is not paid yet is the present
one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from common.base.money import Money
from common.persistence.mongo import DESCENDING, Database, Document
from payments.domain import Outcome, Status
from payments.gateway import DisputeState
from payments.ledger import less_fee
from payments.order import Fulfilment


class Stage(StrEnum):
    PENDING = "pending"
    """Handed over, and not accepted yet, or disputed."""
    AVAILABLE = "available"
    """Accepted: paid out as soon as the seller's account is ready."""
    PAID = "paid"
    REFUNDED = "refunded"
    """Goes, or went, back to the buyer."""


@dataclass(frozen=True, slots=True)
class Balance:
    pending: Money
    available: Money
    paid: Money


@dataclass(frozen=True, slots=True)
class Sale:
    """amount: The price less the fee: paid, or to be paid; 0 once refunded.

    at: Of the latest movement of its money; None before the capture.
    """

    id: str
    order_id: str
    stage: Stage
    price: Money
    amount: Money
    at: datetime | None


class Balances:
    def __init__(self, database: Database, fee_percent: Decimal) -> None:
        self._documents = database["payments"]
        self._fee_percent = fee_percent

    async def of(self, seller_id: str) -> Balance:
        key = {field: f"${field}" for field in ("amount_cents", "fulfilment", "outcome", "dispute", "status")}
        totals = {"count": {"$sum": 1}, "paid": {"$sum": "$paid_cents"}}
        groups = await self._documents.aggregate(
            [{"$match": {"seller_id": seller_id}}, {"$group": {"_id": key, **totals}}]
        )
        sums = dict.fromkeys(Stage, 0)
        for group in groups:
            stage = _stage(group["_id"])
            net = less_fee(Money(group["_id"]["amount_cents"]), self._fee_percent).cents
            sums[stage] += group["paid"] if stage is Stage.PAID else net * group["count"]
        return Balance(Money(sums[Stage.PENDING]), Money(sums[Stage.AVAILABLE]), Money(sums[Stage.PAID]))

    async def sales(self, seller_id: str, limit: int, before: str | None = None) -> Sequence[Sale]:
        """Page of sales, newest first, after the one with the id `before`."""
        query: Document = {"seller_id": seller_id} | ({"_id": {"$lt": before}} if before else {})
        order = [("_id", DESCENDING)]
        found = await self._documents.find(query, {"outbox": 0}, sort=order, limit=limit)
        return [self._sale(document) for document in found]

    def _sale(self, document: Document) -> Sale:
        stage, price = _stage(document), Money(document["amount_cents"])
        amount = less_fee(price, self._fee_percent)
        if stage is Stage.PAID:
            amount = Money(document["paid_cents"])
        elif stage is Stage.REFUNDED:
            amount = Money(0)
        entries = document.get("entries", ())
        at = entries[-1]["at"] if entries else None
        return Sale(document["_id"], document["order_id"], stage, price, amount, at)


def _stage(document: Document) -> Stage:
    outcome = document.get("outcome", "")
    if outcome == Outcome.PAID_OUT:
        return Stage.PAID
    is_refunded = document["fulfilment"] == Fulfilment.REFUNDED or document["status"] == Status.VOIDED
    if outcome == Outcome.REFUNDED or is_refunded:
        return Stage.REFUNDED
    if document["fulfilment"] == Fulfilment.ACCEPTED and document.get("dispute") != DisputeState.OPEN:
        return Stage.AVAILABLE
    return Stage.PENDING
