"""Comparison of tickets with the orders that hold them."""

from collections.abc import Sequence

from common.persistence.mongo import Document
from infra.verify.reconcile.books import TICKET, Books, batches, by_id, grouped, ids_of
from infra.verify.reconcile.report import Report

ONE_LIVE = "one live order per ticket"
HELD_BY = "a ticket is held by its live order"
SOLD = "a ticket is sold when its order is complete"
RESERVED = "a live order reserves its ticket"


async def check(books: Books, report: Report) -> None:
    async for tickets in batches(books.tickets["tickets"], TICKET):
        ids = ids_of(tickets)
        live = await grouped(books.orders["orders"], "reservation", ids, "_id status reservation")
        for ticket in tickets:
            _compare(ticket, live.get(ticket["_id"], []), report)
    async for orders in batches(books.orders["orders"], "_id status reservation ticket"):
        known = await by_id(books.tickets["tickets"], (order["ticket"]["id"] for order in orders), "_id")
        for order in orders:
            _reserved(order, order["ticket"]["id"] in known, report)


def _compare(ticket: Document, live: Sequence[Document], report: Report) -> None:
    name, holders = f"ticket {ticket['_id']}", sorted(ids_of(live))
    report.compared(ONE_LIVE)
    if len(holders) > 1:
        report.disagree(ONE_LIVE, f"{name}: orders {', '.join(holders)}")
    holder, held_by = ticket.get("order_id"), holders[0] if holders else None
    if holder in holders:
        held_by = holder
    report.equal(HELD_BY, f"{name}: live order / the ticket's order_id", held_by, holder)
    complete = any(order["status"] == "complete" for order in live)
    report.equal(SOLD, f"{name}: its order complete / sold", complete, ticket["sold"])


def _reserved(order: Document, ticket_exists: bool, report: Report) -> None:
    ticket_id = order["ticket"]["id"]
    expected = None if order["status"] == "cancelled" else ticket_id
    what = f"order {order['_id']} ({order['status']}) of ticket {ticket_id}: expected / reserved"
    report.equal(RESERVED, what, expected, order.get("reservation"))
    if not ticket_exists:
        report.disagree(RESERVED, f"order {order['_id']}: its ticket {ticket_id} / no such ticket")
