"""A small marketplace without disagreements, for tests to break."""

from datetime import UTC, datetime, timedelta
from typing import Any

from common.base import ids
from common.testing.memory import memory_database
from infra.verify.reconcile import holds, ledger, leftovers, money, replicas, versions
from infra.verify.reconcile.books import Books
from infra.verify.reconcile.report import Report

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOLD = timedelta(minutes=15)


def new_id(number: int, created: datetime = NOW) -> str:
    """Id in the format of the services' ids: the time of creation, then a unique part."""
    return f"{int(created.timestamp()):08x}{number:016x}"


FREE, HELD, SOLD = new_id(1), new_id(2), new_id(3)
LIVE, COMPLETE, CANCELLED = new_id(11), new_id(12), new_id(13)
PAYMENT, VOIDED = new_id(21), new_id(22)
INTENT, VOIDED_INTENT = "pi_1", "pi_2"


class World:
    """Small marketplace: tickets free, held and sold; orders live, complete and cancelled.

    Its payments are captured and voided.
    """

    def __init__(self) -> None:
        self.books = Books(memory_database(), memory_database(), memory_database())
        self.timers: dict[str, datetime] = {LIVE: NOW + HOLD}
        self.events: list[str | tuple[str, bytes]] = [
            # Ids; followed by a body if a test needs one.
            *(f"ticket.created:{ticket}:0" for ticket in (FREE, HELD, SOLD)),
            *(f"order.created:{order}:0" for order in (LIVE, COMPLETE, CANCELLED)),
            *(f"payment.created:{payment}:0" for payment in (PAYMENT, VOIDED)),
            f"expiration.complete:{CANCELLED}",
            *(f"ticket.updated:{ticket}:1" for ticket in (HELD, SOLD)),
            f"order.completed:{COMPLETE}:1",
            f"order.cancelled:{CANCELLED}:1",
            f"payment.captured:{PAYMENT}:1",
            f"payment.voided:{VOIDED}:1",
        ]

    async def fill(self) -> None:
        for ticket in (
            _ticket(FREE, 0, None, False),
            _ticket(HELD, 1, LIVE, False),
            _ticket(SOLD, 1, COMPLETE, True),
        ):
            await self.books.tickets["tickets"].insert_one(dict(ticket))
            await self.books.orders["tickets"].insert_one({**ticket, "sold": None})
        for order in (
            _order(LIVE, 0, "created", HELD, None),
            _order(COMPLETE, 1, "complete", SOLD, "captured"),
            _order(CANCELLED, 1, "cancelled", FREE, "voided"),
        ):
            await self.books.orders["orders"].insert_one(dict(order))
            await self.books.payments["orders"].insert_one(dict(order))
            copy = {"_id": order["_id"], "version": order["version"]}
            await self.books.tickets["orders"].insert_one(copy)
        await self._pay(PAYMENT, COMPLETE, "captured", INTENT)
        await self._pay(VOIDED, CANCELLED, "voided", VOIDED_INTENT)

    async def _pay(self, payment: str, order: str, status: str, intent: str) -> None:
        document = {"_id": payment, "version": 1, "order_id": order, "amount_cents": 2000, "status": status}
        await self.books.payments["payments"].insert_one({**document, "intent_id": intent, "outbox": []})
        await self.add_intent(intent, order, status)

    async def add_intent(self, intent: str, order: str, state: str, amount_cents: int = 2000) -> None:
        document = {"_id": intent, "order_id": order, "state": state, "amount_cents": amount_cents}
        captures = int(state == "captured")
        await self.books.payments["fake_provider_intents"].insert_one({**document, "captures": captures})

    async def change(self, where: str, record_id: str, **fields: Any) -> None:
        """Change a record. `where` is database.collection."""
        database, _, collection = where.partition(".")
        found = getattr(self.books, database)[collection]
        assert await found.update_one({"_id": record_id}, {"$set": fields})

    async def look(self, now: datetime = NOW) -> Report:
        report = Report()
        await holds.check(self.books, report)
        await replicas.check(self.books, report)
        await money.check(self.books, report)
        await ledger.check(self.books, report)
        await leftovers.check(self.books, self.timers, now, report)

        async def read() -> Any:
            for event in self.events:
                yield event if isinstance(event, tuple) else (event, b"")

        await versions.check(self.books, read, len(self.events), report)
        return report


def broken(report: Report) -> dict[str, list[str]]:
    return {name: found.shown for name, found in report.findings.items() if found.disagreements}


def _ticket(ticket_id: str, version: int, order_id: str | None, sold: bool) -> dict[str, Any]:
    return {
        "_id": ticket_id,
        "version": version,
        "title": "Seat",
        "price_cents": 2000,
        "user_id": ids.new_id(),
        "order_id": order_id,
        "sold": sold,
        "withdrawn": False,
        "outbox": [],
    }


def _order(order_id: str, version: int, status: str, ticket: str, payment: str | None) -> dict[str, Any]:
    document = {
        "_id": order_id,
        "version": version,
        "user_id": ids.new_id(),
        "status": status,
        "payment": payment,
        "expires_at": NOW + HOLD,
        "ticket": {"id": ticket, "title": "Seat", "price_cents": 2000},
        "outbox": [],
    }
    return document if status == "cancelled" else {**document, "reservation": ticket}
