"""Comparison of the buyers' answers in the races with the orders; `reconcile` checks all other data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.persistence.mongo import DESCENDING, Collection
from infra.verify.reconcile.books import Books
from infra.verify.reconcile.money import RECORD

Document = Mapping[str, Any]

COMPLETE = "complete+captured"
VOIDED = "cancelled+voided"
UNTOUCHED = "cancelled+none"
OUTCOMES = (COMPLETE, VOIDED, UNTOUCHED)


@dataclass(frozen=True, slots=True)
class Case:
    """One order that was raced for.

    `refused`: for each of its payments, whether the answer was 400 or 402.
    """

    kind: str
    order_id: str
    ticket_id: str
    cents: int
    refused: bool


@dataclass(frozen=True, slots=True)
class Records:
    """One order as each of its owners stores it. `intents` are the provider's."""

    order: Document | None
    ticket: Document | None
    payment: Document | None
    intents: Sequence[Document]


def judge(case: Case, records: Records) -> tuple[str, list[str]]:
    """The outcome, and the contradictions between the records and the answers."""
    if records.order is None or records.ticket is None:
        return "", ["the order or its ticket is gone"]
    wrong, bought = [], records.order["ticket"]
    if (bought["id"], bought["price_cents"]) != (case.ticket_id, case.cents):
        wrong.append(f"ordered {case.ticket_id} at {case.cents}, stored {bought}")
    if records.order["status"] == "complete":
        wrong += ["complete, and its buyer was refused"] if case.refused else []
        return COMPLETE, wrong
    if records.order["status"] == "cancelled":
        # An intent without a payment was cancelled before it reserved any money.
        given_back = records.payment is not None and records.payment["status"] == "voided"
        return VOIDED if given_back else UNTOUCHED, wrong
    return "", [*wrong, f"the order is {records.order['status']}"]


async def read(books: Books, cases: Sequence[Case]) -> list[Records]:
    """Read the records of each case, in the order of the cases."""
    ids = [case.order_id for case in cases]
    orders = await _by(books.orders["orders"], "_id", ids)
    tickets = await _by(books.tickets["tickets"], "_id", [case.ticket_id for case in cases])
    payments = await _by(books.payments["payments"], "order_id", ids)
    intents = await _by(books.payments[RECORD], "order_id", ids)
    return [
        Records(
            order=next(iter(orders.get(case.order_id, ())), None),
            ticket=next(iter(tickets.get(case.ticket_id, ())), None),
            payment=next(iter(payments.get(case.order_id, ())), None),
            intents=intents.get(case.order_id, []),
        )
        for case in cases
    ]


async def latest_intents(books: Books, count: int) -> list[str]:
    """Ids of the provider's latest records."""
    found = await books.payments[RECORD].find({}, sort=[("$natural", DESCENDING)], limit=count)
    return [intent["_id"] for intent in found]


async def _by(collection: Collection, field: str, keys: Sequence[str]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for document in await collection.find({field: {"$in": list(keys)}}):
        document.pop("outbox", None)
        found.setdefault(document[field], []).append(document)
    return found
