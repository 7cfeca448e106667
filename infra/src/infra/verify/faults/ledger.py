"""Holds orders, payments, tickets and the provider's own record side by side, to the cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.persistence.mongo import DESCENDING, Collection, connect
from infra.verify.load.databases import WAIT_SECONDS
from infra.verify.target import Target

Document = Mapping[str, Any]

COMPLETE = "complete+captured"
VOIDED = "cancelled+voided"
UNTOUCHED = "cancelled+none"
OUTCOMES = (COMPLETE, VOIDED, UNTOUCHED)
LIVE = ("authorized", "awaiting")


@dataclass(frozen=True, slots=True)
class Case:
    """One order that was raced for. `refused`: whether its buyer was told 400 or 402 each time he paid."""

    kind: str
    order_id: str
    ticket_id: str
    cents: int
    refused: bool


@dataclass(frozen=True, slots=True)
class Records:
    """What each owner says of one order. `intents` are the provider's."""

    order: Document | None
    ticket: Document | None
    payment: Document | None
    intents: Sequence[Document]


def judge(case: Case, records: Records) -> tuple[str, list[str]]:
    """The outcome, and what is wrong with it."""
    if records.order is None or records.ticket is None:
        return "", ["the order or its ticket is gone"]
    live = [intent["_id"] for intent in records.intents if intent["state"] in LIVE]
    wrong = [f"money of {name} is still reserved" for name in live]
    taken = [intent for intent in records.intents if intent["state"] == "captured"]
    if records.order["status"] == "complete":
        return COMPLETE, wrong + _of_complete(case, records, taken)
    if records.order["status"] == "cancelled":
        given_back = any(intent["state"] == "voided" for intent in records.intents)
        return VOIDED if given_back else UNTOUCHED, wrong + _of_cancelled(records, taken)
    return "", [*wrong, f"the order is {records.order['status']}"]


def _of_complete(case: Case, records: Records, taken: Sequence[Document]) -> list[str]:
    assert records.order is not None
    assert records.ticket is not None
    wrong = []
    if len(taken) != 1 or taken[0]["captures"] != 1:
        wrong.append(f"complete, and charged {sum(intent['captures'] for intent in taken)} times")
    else:
        recorded = {taken[0]["amount_cents"], records.order["ticket"]["price_cents"], case.cents}
        if len(recorded) != 1:
            wrong.append(f"amounts differ: {sorted(recorded)}")
        if records.payment is None or records.payment["intent_id"] != taken[0]["_id"]:
            wrong.append("charged by an intent that is not the payment's")
    if _status(records.payment) != "captured" or records.order.get("payment") != "captured":
        wrong.append(f"payment is {_status(records.payment)}, shown as {records.order.get('payment')}")
    if not records.ticket.get("sold") or records.ticket.get("order_id") != case.order_id:
        wrong.append("the ticket is not sold to it")
    if case.refused:
        wrong.append("complete, and its buyer was refused")
    return wrong


def _of_cancelled(records: Records, taken: Sequence[Document]) -> list[str]:
    assert records.order is not None
    assert records.ticket is not None
    wrong = [f"cancelled, and charged by {intent['_id']}" for intent in taken]
    kept, shown = _status(records.payment), records.order.get("payment")
    if kept not in (None, "voided") or kept != shown:
        wrong.append(f"payment is {kept}, shown as {shown}")
    if records.ticket.get("order_id") is not None:
        wrong.append("the ticket is not free")
    return wrong


def _status(payment: Document | None) -> str | None:
    return None if payment is None else str(payment["status"])


class Ledger:
    """Reads the owners' databases, which no service may do."""

    def __init__(self, target: Target) -> None:
        self._databases = {
            name: connect(target.url(f"mongo_{name}"), name, wait_seconds=WAIT_SECONDS)
            for name in ("tickets", "orders", "payments")
        }

    async def close(self) -> None:
        for database in self._databases.values():
            await database.close()

    async def intents(self, newest: int) -> list[dict[str, Any]]:
        """The provider's latest records."""
        record = self._documents("payments", "fake_provider_intents")
        return await record.find({}, sort=[("$natural", DESCENDING)], limit=newest)

    async def read(self, cases: Sequence[Case]) -> list[Records]:
        """In the order of the cases."""
        ids = [case.order_id for case in cases]
        orders = await self._by("orders", "orders", "_id", ids)
        tickets = await self._by("tickets", "tickets", "_id", [case.ticket_id for case in cases])
        payments = await self._by("payments", "payments", "order_id", ids)
        intents = await self._by("payments", "fake_provider_intents", "order_id", ids)
        return [
            Records(
                order=next(iter(orders.get(case.order_id, ())), None),
                ticket=next(iter(tickets.get(case.ticket_id, ())), None),
                payment=next(iter(payments.get(case.order_id, ())), None),
                intents=intents.get(case.order_id, []),
            )
            for case in cases
        ]

    def _documents(self, database: str, collection: str) -> Collection:
        return self._databases[database][collection]

    async def _by(
        self, database: str, collection: str, field: str, keys: Sequence[str]
    ) -> dict[str, list[Document]]:
        found: dict[str, list[Document]] = {}
        for document in await self._documents(database, collection).find({field: {"$in": list(keys)}}):
            document.pop("outbox", None)
            found.setdefault(document[field], []).append(document)
        return found
