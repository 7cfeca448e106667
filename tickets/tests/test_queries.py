"""Every query of the tickets database, over 100,000 documents of each kind: each reads by an index, in order.

Search by words is the exception: it looks at one ticket after another.
"""

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

import pytest

from common.base import times
from common.base.creation import Creation
from common.base.ids import new_id
from common.base.money import Money
from common.contract.details import Details, first_day
from common.persistence.mongo import Database, Document
from common.testing.fake_stream import FakeStream
from common.testing.plans import faults_of, fill, missing, stored
from tickets.domain import Ticket
from tickets.errors import TooManyListings
from tickets.export import exports
from tickets.files.record import ListingFile, WrappedKey
from tickets.files.record import Page as FilePage
from tickets.files.repository import FileRecords
from tickets.publishers import publishers
from tickets.repository import Page, Repositories
from tickets.sorting import Sort, cursor_of

pytestmark = pytest.mark.connected

COUNT = 100_000
SELLERS = 1_000
SELLER = "seller-7"
LIMIT = 20
DEAR = Money(50_000)

Ask = Callable[[Page], Awaitable[Sequence[Ticket]]]


def tickets() -> Iterator[Ticket]:
    """Half of them on sale; a fifth without a day; prices of 0.01 to 1,000."""
    chance, today = random.Random(1), times.now().date()
    for number in range(COUNT):
        state = chance.random()
        day = today + timedelta(days=chance.randint(-30, 300)) if chance.random() < 0.8 else None
        yield Ticket(
            id=new_id(),
            version=0,
            title=f"Ticket {number}",
            price=Money(chance.randint(1, 100_000)),
            details=Details(event_date=day),
            user_id=f"seller-{number % SELLERS}",
            order_id=new_id() if state < 0.4 else None,
            sold=state < 0.35,
            withdrawn=state > 0.9,
            file=a_file(str(number)) if number % 2 else None,
        )


def a_file(number: str) -> ListingFile:
    key, page = WrappedKey("ab"[number.endswith("1")], "wrapped"), FilePage(0, 9, 1, 1)
    return ListingFile("a.jpg", "image/jpeg", 9, (page,), f"{number}/x", key, (f"barcode-{number}",))


def not_swept(document: Document) -> Document:
    """As it is until the sweep sees that its day, yesterday in UTC-12, is over."""
    if document.get("soonness") != 1 - first_day(times.now()).toordinal():
        return document
    return document | {"on_sale": not document["withdrawn"] and "order_id" not in document}


def two_pages(
    ask: Ask, sort: Sort, after: Ticket | None = None, **filters: object
) -> Callable[[], Awaitable[object]]:
    """The page after a ticket, and the one that follows it."""

    async def query() -> None:
        cursor = None if after is None else cursor_of(after, sort)
        found = await ask(Page(LIMIT, sort, after=cursor, **filters))  # type: ignore[arg-type] # by name
        assert found
        await ask(Page(LIMIT, sort, after=cursor_of(found[-1], sort), **filters))  # type: ignore[arg-type] # by name

    return query


async def test_every_query_reads_by_an_index(real_database: Database) -> None:
    repositories = Repositories.over(real_database, publishers(FakeStream()), max_listings=3)
    listings, progress, files = repositories.tickets, repositories.orders, FileRecords(real_database)
    await listings.prepare()
    listed = list(tickets())
    await fill(listings.documents, (not_swept(document) for document in stored(listings, listed)))
    await fill(progress.documents, ({"_id": new_id(), "version": 1} for _ in range(COUNT)))
    one, some, order = listed[0], listed[COUNT // 2], new_id()
    await progress.apply(order, 0, {})

    def of_seller(page: Page) -> Awaitable[Sequence[Ticket]]:
        return listings.of_seller(SELLER, page)

    async def nothing() -> None:
        pass

    async def wrap_again() -> None:
        for stored_key in (await files.wrapped_by_others("a"))[:2]:
            await files.wrap_again(stored_key, WrappedKey("b", "again"))

    async def save() -> None:
        ticket = Ticket.offer(SELLER, "New", DEAR)
        await listings.save(ticket)
        ticket.edit("Newer", DEAR)
        await listings.save(ticket)
        await listings.relay.drained()

    async def one_too_many() -> None:
        seller = new_id()
        for _ in range(3):
            await listings.put_on_sale(Ticket.offer(seller, "New", DEAR))
        with pytest.raises(TooManyListings):
            await listings.put_on_sale(Ticket.offer(seller, "New", DEAR))
        await listings.relay.drained()

    async def sent_twice() -> None:
        creation = Creation.of("/api/tickets", SELLER, "key", {})

        async def offer() -> Ticket:
            ticket = Ticket.offer(SELLER, "New", Money(2_000))
            await listings.create(ticket, creation)
            return ticket

        assert (await listings.once(creation, offer)).id == (await listings.once(creation, offer)).id
        await listings.relay.drained()

    queries: dict[str, Callable[[], Awaitable[object]]] = {
        "tickets.create": sent_twice,
        "tickets.once": sent_twice,
        "tickets.find": lambda: listings.find(one.id),
        "tickets.get": lambda: listings.get(one.id),
        "tickets.save": save,
        "tickets.put_on_sale": one_too_many,
        "tickets.derived_by_older": listings.derived_by_older,
        "tickets.over_on_sale": listings.over_on_sale,
        "tickets.derive_again": lambda: listings.derive_again(one),
        "tickets.on_sale_of": lambda: listings.on_sale_of([ticket.id for ticket in listed[:LIMIT]]),
        "tickets.summary": lambda: listings.summary(SELLER),
        "files.wrapped_by_others": lambda: files.wrapped_by_others("a"),
        "files.wrap_again": wrap_again,
        "files.objects_of": lambda: files.objects_of([ticket.id for ticket in listed[:LIMIT]]),
        "orders.find": lambda: progress.find(order),
        "orders.apply": lambda: progress.apply(order, 1, {}),
        "orders.in_order": lambda: progress.in_order(order, 2, nothing),
        "orders.end": lambda: progress.end(order, 3),
        "orders.has_begun": lambda: progress.has_begun(order),
        "orders.has_ended": lambda: progress.has_ended(order),
        "orders.is_refunded": lambda: progress.is_refunded(order),
        "relay.sweep": listings.relay.sweep,
    }
    for sort in Sort:
        queries |= {
            f"tickets.on_sale {sort}": two_pages(listings.on_sale, sort),
            f"tickets.on_sale {sort}, far on": two_pages(listings.on_sale, sort, some),
            f"tickets.on_sale {sort}, dear": two_pages(listings.on_sale, sort, min_price=DEAR),
            f"tickets.on_sale {sort}, cheap": two_pages(listings.on_sale, sort, max_price=DEAR),
            f"tickets.of_seller {sort}": two_pages(of_seller, sort),
            f"tickets.of_seller {sort}, dear": two_pages(of_seller, sort, min_price=DEAR),
            **{
                f"tickets.of_seller {sort}, {status}": two_pages(of_seller, sort, status=status)
                for status in ("available", "held", "sold", "withdrawn")
            },
        }

    assert missing(queries, tickets=listings, orders=progress) == set()
    own = exports(real_database)
    queries |= {f"export.{name}": partial(own.page, SELLER, f"{name}:") for name in own.sections}
    assert await faults_of(real_database, queries) == []
