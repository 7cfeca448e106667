"""Comparison of the answers that users received with the databases."""

from collections.abc import Sequence

from common.persistence.mongo import Document
from infra.verify.chaos.ledger import Ledger, Listing, Purchase
from infra.verify.reconcile.books import TICKET, Books, by_id
from infra.verify.reconcile.report import Report

LISTINGS = "acknowledged listings are there"
ORDERS = "acknowledged orders are there"
ENDS = "an order stays as it was said to have ended"
PAYMENTS = "acknowledged payments are settled"
OVER = "every hold has come to its end"
OUTCOMES = {"complete": ("captured",), "cancelled": ("voided",)}


async def check(books: Books, ledger: Ledger, report: Report) -> None:
    tickets = await by_id(books.tickets["tickets"], ledger.listings, TICKET)
    for listing in ledger.listings.values():
        _listing(listing, tickets.get(listing.id), report)
    orders = await by_id(books.orders["orders"], ledger.purchases, "_id user_id status ticket")
    for purchase in ledger.purchases.values():
        _order(purchase, orders.get(purchase.id), report)
    paid = [purchase for purchase in ledger.purchases.values() if purchase.payment_id]
    payments = await by_id(
        books.payments["payments"], (purchase.payment_id for purchase in paid), "_id order_id status"
    )
    for purchase in paid:
        order = orders.get(purchase.id, {})
        _payment(purchase, payments.get(purchase.payment_id), order.get("status", ""), report)


async def holds_are_over(books: Books, report: Report) -> None:
    report.compared(OVER)
    query = {"status": {"$in": ["created", "awaiting:payment"]}}
    for order in await books.orders["orders"].find(query, {"status": 1}):
        report.disagree(OVER, f"order {order['_id']}: {order['status']!r} still")


def _listing(listing: Listing, ticket: Document | None, report: Report) -> None:
    name = f"ticket {listing.id}, answered / stored"
    report.compared(LISTINGS)
    if ticket is None:
        report.disagree(LISTINGS, f"{name}: version {listing.version} / not there")
        return
    answered = (listing.version, listing.title, listing.cents, listing.seller)
    stored = (ticket["version"], ticket["title"], ticket["price_cents"], ticket["user_id"])
    if stored[0] < answered[0] or (stored[0] == answered[0] and stored != answered):
        report.disagree(LISTINGS, f"{name}: {answered!r} / {stored!r}")
    if listing.withdrawn and not ticket["withdrawn"]:
        report.disagree(LISTINGS, f"{name}: withdrawn / on sale")


def _order(purchase: Purchase, order: Document | None, report: Report) -> None:
    name = f"order {purchase.id}, answered / stored"
    report.compared(ORDERS)
    if order is None:
        report.disagree(ORDERS, f"{name}: of ticket {purchase.ticket_id} / not there")
        return
    answered = (purchase.buyer, purchase.ticket_id, purchase.cents)
    stored = (order["user_id"], order["ticket"]["id"], order["ticket"]["price_cents"])
    if answered != stored:
        report.disagree(ORDERS, f"{name}: {answered!r} / {stored!r}")
    for said in _ends_of(purchase):
        report.equal(ENDS, name, said, order["status"])


def _ends_of(purchase: Purchase) -> Sequence[str]:
    return [*(["cancelled"] if purchase.cancelled else []), *filter(None, [purchase.ended_as])]


def _payment(purchase: Purchase, payment: Document | None, status: str, report: Report) -> None:
    """Check the payment. The payment of a live order may still be open: a long hold has not ended yet."""
    name = f"payment {purchase.payment_id} of order {purchase.id} ({status})"
    report.compared(PAYMENTS)
    if payment is None or payment["order_id"] != purchase.id:
        report.disagree(PAYMENTS, f"{name}: answered 201 / stored {payment!r}")
    elif status in OUTCOMES and payment["status"] not in OUTCOMES[status]:
        report.disagree(PAYMENTS, f"{name}: {OUTCOMES[status][0]!r} / {payment['status']!r}")
