"""Users of what tomorrow's version adds (`tomorrow.patch`), and the check of its effects."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from nats.aio.client import Client

from common.contract.error_codes import ErrorCode
from common.persistence.mongo import Document
from infra.actors.person import Person
from infra.verify import events
from infra.verify.chaos import answers
from infra.verify.chaos.ledger import Listing
from infra.verify.chaos.shop import Shop
from infra.verify.chaos.user import RECENT, TICKET
from infra.verify.reconcile.books import Books, batches
from infra.verify.reconcile.report import Report

KIND = "ticket.viewed"
INDEX = "most_viewed"
ANSWERED = "an acknowledged view is an event"
LOST = "each event of the new kind took effect"
TWICE = "no event of the new kind took effect twice"
FIELD = "the new field survives saves of both versions"
INDEXED = "the new index is there"
USED = "the new things were used, and refused by the old version"


@dataclass(slots=True)
class News:
    """Acknowledged uses of the new things. `refused`: answers of processes that don't know them."""

    views: Counter[str] = field(default_factory=Counter)
    gates: dict[str, str] = field(default_factory=dict)
    refused: int = 0


class Newcomer:
    """User who lists with a gate (the new field), edits without it, and views others' listings."""

    def __init__(self, shop: Shop, account: Person, chance: random.Random, news: News) -> None:
        self._shop = shop
        self._account = account
        self._chance = chance
        self._news = news
        self._own: list[Listing] = []

    async def live(self, until: float) -> None:
        """Act until that monotonic time."""
        while time.monotonic() < until:
            await self._chance.choices([self.view, self.offer, self.edit], [6, 2, 2])[0]()
            await asyncio.sleep(self._chance.uniform(0.0, 0.5))

    async def view(self) -> None:
        listings = list(self._shop.ledger.listings.values())[-RECENT:]
        if not listings:
            return
        path = f"/api/tickets/{self._chance.choice(listings).id}/views"
        answer = await self._shop.call(
            self._account,
            "POST",
            path,
            success=201,
            explained=lambda: {ErrorCode.NOT_FOUND: True, ErrorCode.TICKET_WITHDRAWN: True},
        )
        if answer.status == 201:
            self._news.views[answer.body["id"]] += 1
        self._news.refused += answer.code == ErrorCode.NOT_FOUND

    async def offer(self) -> None:
        gate = f"Gate {self._chance.randint(1, 99)}"
        body = {"title": "Seat at a gate", "price": self._chance.randint(1, 100), "gate": gate}
        answer = await self._shop.call(
            self._account,
            "POST",
            "/api/tickets",
            body,
            success=201,
            fields=TICKET,
            explained=lambda: {ErrorCode.UNKNOWN_FIELD: True},
        )
        if answer.status == 201:
            listing = self._shop.ledger.acknowledge_ticket(answer.body, self._account.id)
            self._own.append(listing)
            self._news.gates[listing.id] = gate
        self._news.refused += answer.code == ErrorCode.UNKNOWN_FIELD

    async def edit(self) -> None:
        """Edit as a form of the old version does: without the new field, which must stay."""
        if not self._own:
            return
        listing = self._chance.choice(self._own)
        body = {"title": "Better seat at a gate", "price": self._chance.randint(1, 100)}
        answer = await self._shop.call(
            self._account,
            "PUT",
            f"/api/tickets/{listing.id}",
            body,
            fields=TICKET,
            explained=lambda: answers.of_change(listing),
        )
        if answer.status == 200:
            self._shop.ledger.acknowledge_ticket(answer.body, self._account.id)


@dataclass(frozen=True, slots=True)
class Effects:
    """Views of each ticket: events in the stream, the owner's count, the listener's count in orders."""

    published: Mapping[str, int]
    owned: Mapping[str, int]
    counted: Mapping[str, int]

    @property
    def lost(self) -> int:
        return sum(max(0, number - self.counted.get(key, 0)) for key, number in self.published.items())


async def effects(books: Books, broker: Client) -> Effects:
    published = Counter(event.aggregate_id for event in await events.recorded(broker, KIND))
    owned, counted = Counter[str](), Counter[str]()
    for database, found in ((books.tickets, owned), (books.orders, counted)):
        async for documents in batches(database["tickets"], "_id views"):
            found.update({document["_id"]: document.get("views", 0) for document in documents})
    return Effects(published, owned, counted)


def compare(news: News, found: Effects, report: Report) -> None:
    for what, count in (("views", news.views.total()), ("gates", len(news.gates)), ("refused", news.refused)):
        report.equal(USED, f"any {what}: expected / found", True, count > 0)
    for key in {*news.views, *found.published, *+Counter(found.owned), *+Counter(found.counted)}:
        published, counted = found.published.get(key, 0), found.counted.get(key, 0)
        report.compared(ANSWERED)
        if published < news.views[key] or published != found.owned.get(key, 0):
            words = f"ticket {key}: {news.views[key]} answered, {found.owned.get(key, 0)} stored"
            report.disagree(ANSWERED, f"{words} / {published} events")
        for check, wrong in ((LOST, counted < published), (TWICE, counted > published)):
            report.compared(check)
            if wrong:
                report.disagree(check, f"ticket {key}: {published} events / {counted} effects")


async def check_gates(books: Books, news: News, report: Report) -> int:
    """Compare the new field with the answers; returns how many tickets lost it."""
    stored: dict[str, Document] = {}
    async for documents in batches(books.tickets["tickets"], "_id details"):
        stored |= {document["_id"]: document.get("details") or {} for document in documents}
    lost = 0
    for key, gate in news.gates.items():
        found = stored.get(key, {}).get("gate")
        report.equal(FIELD, f"ticket {key}: answered / stored", gate, found)
        lost += found != gate
    return lost


async def forget_gates(books: Books) -> None:
    """Remove the new field from both copies: only tickets stores its value, and the judge compares both."""
    query, change = {"details.gate": {"$exists": True}}, {"$unset": {"details.gate": ""}}
    for database in (books.tickets, books.orders):
        await database["tickets"].update_many(query, change)


async def check_index(books: Books, report: Report) -> None:
    listed = await books.tickets.command({"listIndexes": "tickets"})
    names = {index["name"] for index in listed["cursor"]["firstBatch"]}
    report.equal(INDEXED, "expected / found", True, INDEX in names)
