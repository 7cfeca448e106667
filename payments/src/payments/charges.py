"""Queries and guards of the charges."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from common.base.errors import DuplicateKey
from common.base.money import Money
from common.persistence.batching import DocumentReader, DocumentWriter
from common.persistence.mongo import ASCENDING, Database, Document, Index
from payments.declined_cards import PLACE, DeclinedCards
from payments.domain import RETRYABLE, Charge, ChargeStatus

OF_CARD = (PLACE, "status", "number", "intent_number", "key", "token", "started_at", "words", "due_at")
CONFIRMING, RESOLVED = ChargeStatus.CONFIRMING, ChargeStatus.RESOLVED


class Charges:
    """Charges of the orders: one document an order, whose `_id` is the order's id, in `attempts`.

    Each change is one guarded update. So exactly one of several concurrent callers begins to confirm a card,
    and a late outcome never ends a later card's confirmation.
    """

    def __init__(self, database: Database, declined: DeclinedCards) -> None:
        self._documents = database["attempts"]
        self._declined = declined
        self._reader = DocumentReader(self._documents)
        self._writer = DocumentWriter(self._documents)

    async def prepare(self) -> None:
        await self._documents.create_indexes(
            [
                Index([("due_at", ASCENDING)], name="due", sparse=True),
                Index([("user_id", ASCENDING), ("_id", ASCENDING)], name="of_user"),
            ]
        )

    async def find(self, order_id: str) -> Charge | None:
        document = await self._reader.find(order_id)
        return None if document is None else charge_of(document)

    async def add(self, charge: Charge) -> None:
        """Stores the charge of a new order, unless the order has one."""
        with suppress(DuplicateKey):
            await self._writer.insert({"_id": charge.order_id, **_fields(charge)})

    async def begin(self, charge: Charge, previous: Charge | None) -> bool:
        """Stores that a card, which has a place among its account's cards, is being confirmed.

        Returns False if another caller was faster.
        """
        fields = {**_fields(charge), PLACE: charge.number}
        if previous is None:
            try:
                await self._writer.insert({"_id": charge.order_id, **fields})
            except DuplicateKey:
                return False
            return True
        unchanged = {"number": previous.number, "key": previous.key}
        change = {"$set": {field: fields[field] for field in OF_CARD}}
        return await self._change(charge.order_id, unchanged, RETRYABLE, change)

    async def made(self, charge: Charge, intent_id: str) -> None:
        """Stores that the provider made the intent."""
        query = {"_id": charge.order_id, "intent_number": charge.intent_number}
        await self._documents.update_one(query, {"$set": {"intent_id": intent_id}})

    async def restore(self, charge: Charge) -> None:
        """Stores a charge that a backup lacks, unless it has that intent or a later one of the order."""
        earlier = {"number": {"$lt": charge.number}}
        unmade = {"number": charge.number, "intent_id": ""}
        query = {"_id": charge.order_id, "$or": [earlier, unmade]}
        # `upsert` fails with DuplicateKey where that intent, or a later one, is stored already.
        with suppress(DuplicateKey):
            await self._documents.update_one(query, {"$set": _fields(charge)}, upsert=True)

    async def decline(self, order_id: str, number: int, decline_id: str, decline_reason: str) -> bool:
        """Marks the card as declined, at once or at the further step, and counts that once."""
        change = _ended(ChargeStatus.DECLINED, words=decline_reason, decline_id=decline_id)
        guard = {"_id": order_id, "number": number, "decline_id": {"$ne": decline_id}}
        return await self._documents.update_one(guard, change | {"$inc": {"declines": 1}})

    async def fail(self, charge: Charge) -> bool:
        """Marks the card's confirmation as ended, with neither an authorisation nor a decline."""
        change = _ended(ChargeStatus.READY)
        ended = await self._change(charge.order_id, {"key": charge.key}, (CONFIRMING,), change)
        if ended:
            await self._declined.not_declined(charge.order_id, charge.number)
        return ended

    async def finish(
        self, order_id: str, number: int, *, is_awaiting: bool = False, is_other: bool = False
    ) -> bool:
        """Marks the outcome as known: the payment holds it.

        is_awaiting: The card's owner has a further step to take, at which the card may yet be declined.
        is_other: The payment's intent is one of the last release, and the order's own is to be cancelled.
        """
        change = _ended(RESOLVED)
        if not is_other:
            change["$unset"]["due_at"] = ""
        ended = await self._change(order_id, {"number": number}, (CONFIRMING, *RETRYABLE), change)
        if not is_awaiting:
            await self._declined.not_declined(order_id, number)
        return ended

    async def due(self, now: datetime, limit: int) -> Sequence[Charge]:
        """Charges whose `due_at` has come, the longest waiting first."""
        query, order = {"due_at": {"$lte": now}}, [("due_at", ASCENDING)]
        return [charge_of(found) for found in await self._documents.find(query, sort=order, limit=limit)]

    async def lease(self, charge: Charge, until: datetime) -> bool:
        """Leases a due charge to this process until `until`; False if another process has the lease."""
        return await self._documents.update_one(
            {"_id": charge.order_id, "due_at": charge.due_at}, {"$set": {"due_at": until}}
        )

    async def postpone(self, charge: Charge, leased: datetime, until: datetime | None) -> None:
        """Ends the lease, unless something else made the charge due meanwhile. None: the last look was it."""
        change: Document = {"$unset": {"due_at": ""}} if until is None else {"$set": {"due_at": until}}
        await self._documents.update_one({"_id": charge.order_id, "due_at": leased}, change)

    async def hurry(self, order_id: str, now: datetime) -> None:
        """Makes a charge without a payment due."""
        query = {"_id": order_id, "due_at": {"$exists": True}}
        await self._documents.update_one(query, {"$set": {"due_at": now}})

    async def hurry_all(self, now: datetime) -> None:
        await self._documents.update_many({"due_at": {"$exists": True}}, {"$set": {"due_at": now}})

    async def _change(
        self, order_id: str, unchanged: Document, within: Sequence[ChargeStatus], change: Document
    ) -> bool:
        guard: Document = {"_id": order_id, **unchanged, "status": {"$in": [str(s) for s in within]}}
        return await self._documents.update_one(guard, change)


class Attempts:
    """Attempts of the last release whose outcome is unknown. `check_at` is the time of the next look."""

    def __init__(self, database: Database) -> None:
        self._documents = database["attempts"]

    async def prepare(self) -> None:
        checked = Index([("check_at", ASCENDING)], name="to_be_checked", sparse=True)
        await self._documents.create_indexes([checked])

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[Charge, datetime]]:
        found = await self._documents.find({"check_at": {"$lte": now}}, limit=limit)
        return [(charge_of(document), document["check_at"]) for document in found]

    async def lease(self, order_id: str, check_at: datetime, until: datetime) -> bool:
        query = {"_id": order_id, "check_at": check_at}
        return await self._documents.update_one(query, {"$set": {"check_at": until}})


def _ended(status: ChargeStatus, words: str = "", **fields: str) -> Document:
    # `check_at` is the last release's `due_at`.
    return {"$set": {"status": str(status), "words": words, **fields}, "$unset": {"check_at": ""}}


def _fields(charge: Charge) -> Document:
    return {
        "payment_id": charge.payment_id,
        "user_id": charge.user_id,
        "amount_cents": charge.amount.cents,
        "status": str(charge.status),
        "number": charge.number,
        "intent_number": charge.intent_number,
        "intent_id": charge.intent_id,
        "key": charge.key,
        # The last release requires it. A card's token is not stored.
        "token": "",
        "started_at": charge.started_at,
        "words": charge.decline_reason,
        "decline_id": charge.decline_id,
        "declines": charge.declines,
        "due_at": charge.due_at,
    }


def charge_of(document: Mapping[str, Any]) -> Charge:
    return Charge(
        order_id=document["_id"],
        payment_id=document["payment_id"],
        user_id=document["user_id"],
        amount=Money(document["amount_cents"]),
        status=ChargeStatus(document["status"]),
        number=document["number"],
        intent_number=document.get("intent_number", 0),
        intent_id=document.get("intent_id", ""),
        key=document["key"],
        started_at=document["started_at"],
        decline_reason=document["words"],
        decline_id=document.get("decline_id", ""),
        declines=document.get("declines", 0),
        due_at=document.get("due_at"),
    )
