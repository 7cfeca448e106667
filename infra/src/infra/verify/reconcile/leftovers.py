"""Checks for unfinished work: events in outboxes, parked messages, expired holds, timers that are due."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.base.ids import made_at
from common.persistence.mongo import Database, Document
from infra.verify.reconcile.books import Books, batches, by_id
from infra.verify.reconcile.report import Report

OUTBOXES = "no event is left in an outbox"
PARKED = "no message waits for another one"
OVERDUE = "no order is live beyond its time"
TIMERS = "no timer is overdue"

GRACE = timedelta(seconds=5)


async def check(books: Books, timers: Mapping[str, datetime] | None, now: datetime, report: Report) -> None:
    await _outboxes(books, now, report)
    await _parked(books, report)
    async for orders in batches(books.orders["orders"], "_id status expires_at"):
        for order in orders:
            report.compared(OVERDUE)
            if now > _end_of(order) + GRACE and order["status"] in ("created", "awaiting:payment"):
                what = f"order {order['_id']}: over at {_end_of(order)} / {order['status']!r}"
                report.disagree(OVERDUE, what)
    if timers is None:
        report.note("No Redis was named: timers are not compared.")
    else:
        await _timers(books, timers, now, report)


async def _outboxes(books: Books, now: datetime, report: Report) -> None:
    for name, database in _databases(books):
        collection = database[name]
        report.compared(OUTBOXES, await collection.count_documents({}))
        query = {"outbox.at": {"$lte": now + timedelta(days=1)}}
        for record in await collection.find(query, {"version": 1, "outbox.id": 1}):
            events = ", ".join(entry["id"] for entry in record["outbox"])
            what = f"{name} {record['_id']}: version {record['version']} / unpublished {events}"
            report.disagree(OUTBOXES, what)


async def _parked(books: Books, report: Report) -> None:
    for name, database in _databases(books):
        report.compared(PARKED, 1)
        async for messages in batches(database["parked"], "_id subject since"):
            for message in messages:
                what = (
                    f"{name}: {message['subject']}, number {message['_id']} / waits since {message['since']}"
                )
                report.disagree(PARKED, what)


def _databases(books: Books) -> Sequence[tuple[str, Database]]:
    """Each with its service's name, which is the name of its own records' collection, too."""
    return (("tickets", books.tickets), ("orders", books.orders), ("payments", books.payments))


def _end_of(order: Document) -> datetime:
    """End of the order's hold. During a card owner's further step, the end is one more hold later.

    The length of the hold starts at the order's creation, which the order's id contains, exact to the second.
    """
    expires_at: datetime = order["expires_at"]
    if order["status"] != "awaiting:payment":
        return expires_at
    return expires_at + (expires_at - made_at(order["_id"]))


async def _timers(books: Books, timers: Mapping[str, datetime], now: datetime, report: Report) -> None:
    orders = await by_id(books.orders["orders"], timers, "_id status")
    ahead = 0
    report.compared(TIMERS, len(timers))
    for order_id, due in timers.items():
        status = orders[order_id]["status"] if order_id in orders else "not there"
        if now > due + GRACE:
            report.disagree(TIMERS, f"order {order_id}: {status!r} / timer due at {due}")
        elif status in ("complete", "cancelled"):
            ahead += 1
    if ahead:
        report.note(
            f"{ahead} timers of finished orders are not due yet: expiration hears of new orders only."
        )
