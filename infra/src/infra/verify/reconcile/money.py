"""Comparison of orders, their payments, and the payment provider's records."""

from collections.abc import Mapping, Sequence, Set

from common.persistence.mongo import Collection, Document
from infra.verify.reconcile.books import Books, batches, by_id, grouped, ids_of
from infra.verify.reconcile.report import Report

RECORD = "fake_provider_intents"
ONE_PAYMENT = "one payment per order"
STATES = "a payment ends as its order did"
SHOWN = "the buyer sees how the payment stands"
AMOUNT = "the paid amount is the order's price"
ONE_CAPTURE = "the provider took money once at most"
TAKEN = "the provider took money for complete orders only"
LIVE = ("authorized", "awaiting")
"""States in which the provider reserves money, or would reserve it after the buyer's confirmation."""
OPEN = "nothing stays reserved for an order that ended"
ORPHANS = "payments and intents belong to orders"

PAYMENTS_OF: Mapping[str, Set[str | None]] = {
    "complete": {"captured"},
    "cancelled": {None, "voided"},
    "created": {None},
    "awaiting:payment": {"awaiting"},
}
"""Payment states that an order in a final status may have."""


async def check(books: Books, report: Report) -> None:
    payments, intents = books.payments["payments"], books.payments[RECORD]
    has_record = RECORD in await books.payments.list_collection_names()
    if not has_record:
        report.note("The provider's record is not in the payments database: not compared.")
    async for orders in batches(books.orders["orders"], "_id status payment refunded ticket"):
        ids = ids_of(orders)
        paid = await grouped(payments, "order_id", ids, "_id order_id status outcome amount_cents intent_id")
        asked = await grouped(intents, "order_id", ids, "_id order_id state amount_cents captures")
        for order in orders:
            mine = paid.get(order["_id"], [])
            _payment(order, mine, report)
            if has_record:
                _provider(order, mine, asked.get(order["_id"], []), report)
    await _orphans("payment", payments, books, report)
    await _orphans("intent", intents, books, report)


def _payment(order: Document, payments: Sequence[Document], report: Report) -> None:
    name = f"order {order['_id']}"
    report.compared(ONE_PAYMENT)
    if len(payments) > 1:
        report.disagree(ONE_PAYMENT, f"{name}: payments {', '.join(sorted(ids_of(payments)))}")
    status = payments[0]["status"] if payments else None
    payment = f"payment {payments[0]['_id']}" if payments else "no payment"
    report.compared(STATES)
    if status not in PAYMENTS_OF[order["status"]]:
        report.disagree(STATES, f"{name}, {payment}: {order['status']!r} / {status!r}")
    seen = status if status in ("captured", "voided") else None
    if payments and payments[0].get("outcome") == "refunded":
        seen = "refunded"
    shown = "refunded" if order.get("refunded") else order.get("payment")
    report.equal(SHOWN, f"{name}: {payment} / shown", seen, shown)
    for found in payments:
        what = f"{name}, payment {found['_id']}: price / amount in cents"
        report.equal(AMOUNT, what, order["ticket"]["price_cents"], found["amount_cents"])


def _provider(
    order: Document, payments: Sequence[Document], intents: Sequence[Document], report: Report
) -> None:
    name, status = f"order {order['_id']}", order["status"]
    captured = sorted(intent["_id"] for intent in intents if intent["state"] == "captured")
    report.compared(ONE_CAPTURE)
    if sum(intent["captures"] for intent in intents) != len(captured) or len(captured) > 1:
        counts = ", ".join(f"{intent['_id']} {intent['captures']} times" for intent in intents)
        report.disagree(ONE_CAPTURE, f"{name}: captured {counts}")
    booked = sorted(payment["intent_id"] for payment in payments if payment["status"] == "captured")
    report.equal(TAKEN, f"{name} ({status}): payments captured / intents captured", booked, captured)
    if bool(captured) != (status == "complete"):
        report.disagree(TAKEN, f"{name}: {status!r} / captured intents {captured!r}")
    for intent in intents:
        what = f"{name}, intent {intent['_id']}: price / amount in cents"
        report.equal(AMOUNT, what, order["ticket"]["price_cents"], intent["amount_cents"])
    report.compared(OPEN)
    reserved = [intent["_id"] for intent in intents if intent["state"] in LIVE]
    if reserved and status in ("complete", "cancelled"):
        report.disagree(OPEN, f"{name}: {status!r} / live intents {reserved!r}")


async def _orphans(what: str, collection: Collection, books: Books, report: Report) -> None:
    async for documents in batches(collection, "_id order_id"):
        known = await by_id(books.orders["orders"], ids_of(documents, "order_id"), "_id")
        report.compared(ORPHANS, len(documents))
        for document in documents:
            if document["order_id"] not in known:
                report.disagree(
                    ORPHANS, f"{what} {document['_id']}: order {document['order_id']} / not there"
                )
