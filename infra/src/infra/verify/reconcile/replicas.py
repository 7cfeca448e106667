"""Comparison of each replica with its owner's records."""

from collections.abc import Sequence

from common.persistence.mongo import Collection, Document
from infra.verify.reconcile.books import ORDER, TICKET, Books, batches, by_id, ids_of
from infra.verify.reconcile.report import Report

Fields = Sequence[str]


async def check(books: Books, report: Report) -> None:
    await between_tickets_and_orders(books, report)
    fields = ("version", "status", "user_id")
    owner, copy = books.orders["orders"], books.payments["orders"]
    await _compare("payments' copy of orders", owner, copy, ORDER, fields, report)


async def between_tickets_and_orders(books: Books, report: Report) -> None:
    tickets, orders = books.tickets["tickets"], books.orders["orders"]
    fields = ("version", "title", "price_cents", "details", "user_id", "order_id", "withdrawn")
    await _compare("orders' copy of tickets", tickets, books.orders["tickets"], TICKET, fields, report)
    progress = ("version",)
    await _compare("tickets' progress of orders", orders, books.tickets["orders"], ORDER, progress, report)


async def _compare(
    name: str, owner: Collection, copy: Collection, read: str, compared: Fields, report: Report
) -> None:
    async for records in batches(owner, read):
        copies = await by_id(copy, ids_of(records), read)
        for record in records:
            _one(name, record, copies.get(record["_id"]), compared, report)
    async for copied in batches(copy, "_id"):
        known = await by_id(owner, ids_of(copied), "_id")
        for document in copied:
            if document["_id"] not in known:
                report.disagree(name, f"{document['_id']}: no such record / copied")


def _one(name: str, record: Document, copy: Document | None, compared: Fields, report: Report) -> None:
    report.compared(name)
    if copy is None:
        report.disagree(name, f"{record['_id']}: version {record['version']} / not there")
        return
    for field in compared:
        if _known(record.get(field)) != _known(copy.get(field)):
            report.disagree(name, f"{record['_id']} {field}: {record.get(field)!r} / {copy.get(field)!r}")


def _known(value: object) -> object:
    """The value, with absent, null, false and empty as one: a replica has only the fields of events.

    Details of which none is given are as absent ones. 0 is a version.
    """
    if isinstance(value, dict) and all(_known(part) is None for part in value.values()):
        return None
    return value if value or type(value) is int else None
