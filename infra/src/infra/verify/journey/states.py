"""Present state of an order in each service, in the timers, and in the fake provider's record."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.persistence.mongo import Database, Document
from common.persistence.parked_messages import COLLECTION as PARKED
from infra.verify.reconcile.books import Books
from infra.verify.reconcile.money import RECORD

SHOWN: Mapping[str, str] = {
    "order": "version status payment fulfilment expires_at deliver_by accept_by ended_because",
    "ticket": "version order_id sold withdrawn",
    "payment": "_id version status amount_cents intent_id",
    "charge": "status intent_id declines due_at",
    "intent": "_id state amount_cents captures",
}
"""Fields of each record that are shown, where it has them; none that names a person, or that is a secret."""


@dataclass(frozen=True, slots=True)
class States:
    """Each is None, or empty, where there is no such record. parked: In words, for each waiting event."""

    order: Document | None
    ticket: Document | None
    payment: Document | None
    charge: Document | None
    intents: Sequence[Document]
    parked: Sequence[str]


async def look(books: Books, order_id: str) -> States:
    order = await books.orders["orders"].find_one({"_id": order_id})
    ticket_id = None if order is None else order["ticket"]["id"]
    ticket, payment, charge, intents = await asyncio.gather(
        books.tickets["tickets"].find_one({"_id": ticket_id}),
        books.payments["payments"].find_one({"order_id": order_id}),
        books.payments["attempts"].find_one({"_id": order_id}),
        books.payments[RECORD].find({"order_id": order_id}),
    )
    records = [found["_id"] for found in (order, ticket, payment) if found is not None]
    databases = {"tickets": books.tickets, "orders": books.orders, "payments": books.payments}
    parked = await asyncio.gather(*(_parked(name, one, records) for name, one in databases.items()))
    return States(order, ticket, payment, charge, intents, [line for lines in parked for line in lines])


def in_words(kind: str, record: Document | None) -> str:
    """The shown fields of a record, and the events that wait in it for their publication."""
    if record is None:
        return "none"
    fields = [(name, record[name]) for name in SHOWN[kind].split() if record.get(name) is not None]
    events = [entry["id"] for entry in record.get("outbox", ())]
    waiting = [f"not published: {', '.join(events)}"] if events else []
    return ", ".join([*(f"{name.lstrip('_')} {value}" for name, value in fields), *waiting])


async def _parked(service: str, database: Database, records: Sequence[str]) -> list[str]:
    found = await database[PARKED].find({"record": {"$in": list(records)}})
    return [f"{service}: {one['kind']} of {one['record']} since {one['since']}" for one in found]
