"""Races for a barcode, on the real database: the one in memory can't show any."""

import asyncio
from collections import Counter

import pytest

from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import a_user, running, signed_in
from common.testing.fake_stream import FakeStream
from tests.builders import Json, Market, an_app
from tests.files.builders import FileApi, pdf, png
from tickets.files.record import ListingFile, Page, WrappedKey
from tickets.publishers import publishers
from tickets.repository import TicketRepository

pytestmark = pytest.mark.connected

CODE = "GX-2031-000417"


def a_file(ticket_id: str, *barcodes: str) -> ListingFile:
    key = WrappedKey("a", "b")
    return ListingFile("a.jpg", "image/jpeg", 9, (Page(0, 9, 1, 1),), f"{ticket_id}/x", key, barcodes)


async def test_of_100_listings_with_a_barcode_at_once_one_has_it(
    real_database: Database, stream: FakeStream
) -> None:
    async with running(an_app(real_database, stream)) as client:
        market = Market(client, stream, a_user())
        listed = [await market.a_ticket() for _ in range(100)]
        tickets = [TicketRepository(real_database, publishers(stream)) for _ in range(4)]

        async def attach(number: int, ticket: Json) -> str:
            repository = tickets[number % len(tickets)]
            mine = await repository.get(ticket["id"])
            mine.attach(a_file(mine.id, CODE, f"other-{number}"))
            try:
                await repository.save(mine)
            except Exception as refused:
                return type(refused).__name__
            return "stored"

        outcomes = await asyncio.gather(*(attach(number, ticket) for number, ticket in enumerate(listed)))

        assert Counter(outcomes) == {"stored": 1, "TicketAlreadyListed": 99}
        assert await real_database["tickets"].count_documents({"reserved": CODE}) == 1


async def test_of_uploads_of_the_same_ticket_at_once_one_is_listed(
    real_database: Database, stream: FakeStream
) -> None:
    async with running(an_app(real_database, stream)) as client:
        market = Market(client, stream, a_user())
        files, sellers = FileApi(market), [a_user() for _ in range(10)]
        contents = [png(CODE), pdf([CODE, "another-barcode"])]
        listed = [(await market.post({"title": "Concert", "price": 20}, seller)).json() for seller in sellers]

        answers = await asyncio.gather(
            *(
                files.put(ticket, contents[number % 2], seller)
                for number, (ticket, seller) in enumerate(zip(listed, sellers, strict=True))
            )
        )

        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 9}
        refused = {code_of(answer, 400) for answer in answers if answer.status_code == 400}
        assert refused == {"ticket-already-listed"}


async def test_of_more_than_two_uploads_of_one_user_at_once_two_are_taken(
    real_database: Database, stream: FakeStream
) -> None:
    async with running(an_app(real_database, stream)) as client:
        market = Market(client, stream, a_user())
        ticket = await market.a_ticket()
        gate = asyncio.Event()

        async def slow(content: bytes):  # type: ignore[no-untyped-def]  # a body in parts
            yield content[:10]
            await gate.wait()
            yield content[10:]

        path = f"/api/tickets/{ticket['id']}/file"
        headers = signed_in(market.seller) | {"Content-Type": "image/png"}
        waiting = [
            asyncio.create_task(client.put(path, content=slow(png(CODE)), headers=headers)) for _ in range(5)
        ]
        done, _ = await asyncio.wait(waiting, timeout=2, return_when=asyncio.ALL_COMPLETED)
        gate.set()
        answers = await asyncio.gather(*waiting)

        assert len(done) == 3
        assert Counter(answer.status_code for answer in answers) == {200: 2, 503: 3}
        assert {answer.headers.get("Retry-After") for answer in answers} == {None, "5"}
