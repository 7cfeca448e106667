"""Tickets whose day is over: in the past nothing is listed, edited or shown as on sale, by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from common.base import times
from common.contract.error_codes import ErrorCode
from common.persistence.mongo import Database
from common.testing.answers import codes_of
from common.testing.browser import signed_in
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from tests.builders import Json, Market, Sale
from tickets import repository, sweep
from tickets.publishers import publishers
from tickets.repository import TicketRepository

DAY = "2087-05-31"
LAST_MOMENT = datetime(2087, 6, 1, 11, 59, 59, tzinfo=UTC)
"""Still the event's day in UTC-12."""
OVER = LAST_MOMENT + timedelta(seconds=1)
SORTS = ("newest", "price", "-price", "date")
PAST = {"eventDate": ErrorCode.EVENT_DATE_PAST}

Clock = Callable[[datetime], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return lambda now: monkeypatch.setattr(times, "now", lambda: now)


@pytest.fixture
def tickets(database: Database, stream: FakeStream) -> TicketRepository:
    return TicketRepository(database, publishers(stream))


async def offered(market: Market, title: str = "Concert", **details: str) -> Json:
    response = await market.post({"title": title, "price": 20, **details})
    assert response.status_code == 201, response.text
    ticket: Json = response.json()
    return ticket


async def own(market: Market, query: str = "") -> list[str]:
    response = await market.client.get(f"/api/tickets?seller=me{query}", headers=signed_in(market.seller))
    return [ticket["title"] for ticket in response.json()]


async def test_a_ticket_is_listed_and_edited_until_its_day_is_over_everywhere(
    market: Market, clock: Clock
) -> None:
    clock(LAST_MOMENT)
    ticket = await offered(market, eventDate=DAY)
    edit = {"title": "Opera", "price": 20, "eventDate": DAY}
    assert (await market.put(ticket, edit)).status_code == 200

    clock(OVER)

    assert codes_of(await market.post(edit), 400) == PAST
    assert codes_of(await market.put(ticket, edit), 400) == PAST
    assert (await market.put(ticket, edit | {"eventDate": "2087-06-01"})).status_code == 200


@pytest.mark.parametrize("swept", [False, True])
async def test_it_leaves_every_public_list_by_itself(
    market: Market, clock: Clock, tickets: TicketRepository, swept: bool
) -> None:
    clock(LAST_MOMENT)
    await offered(market, "over", eventDate=DAY)
    await offered(market, "next day", eventDate="2087-06-01")
    await offered(market, "some day")
    for sort in SORTS:
        assert set(await market.titles(f"?sort={sort}")) == {"over", "next day", "some day"}

    clock(OVER)
    if swept:
        assert await sweep.sweep(tickets) == 1
        assert await sweep.sweep(tickets) == 0

    for query in (*(f"?sort={sort}" for sort in SORTS), "?q=day", "?minPrice=1&maxPrice=90"):
        assert set(await market.titles(query)) == {"next day", "some day"}
    assert await own(market, "&sort=date") == ["over", "next day", "some day"]
    assert "over" in await own(market, "&status=available")


async def test_its_page_still_shows_it(market: Market, clock: Clock) -> None:
    clock(LAST_MOMENT)
    ticket = await offered(market, eventDate=DAY)

    clock(OVER)

    assert await market.shown(ticket) == ticket


async def test_the_past_leaves_the_indexes_of_what_is_on_sale_page_by_page(
    market: Market, clock: Clock, tickets: TicketRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "DERIVED_LIMIT", 2)
    clock(LAST_MOMENT)
    for _ in range(3):
        await offered(market, eventDate=DAY)

    clock(OVER)

    assert [await sweep.sweep(tickets) for _ in range(3)] == [2, 1, 0]
    assert await tickets.documents.find({"on_sale": True}) == []


async def test_a_hold_that_ends_after_the_day_puts_nothing_on_sale(
    market: Market, clock: Clock, tickets: TicketRepository, stream: FakeStream
) -> None:
    clock(LAST_MOMENT)
    order = Sale.of(await offered(market, eventDate=DAY))
    await deliver(stream, order.created())

    clock(OVER)
    await deliver(stream, order.cancelled())

    assert await market.titles() == []
    assert await tickets.documents.find({"on_sale": True}) == []


async def test_one_that_moves_to_a_later_day_is_on_sale_again(
    market: Market, clock: Clock, tickets: TicketRepository
) -> None:
    clock(LAST_MOMENT)
    ticket = await offered(market, eventDate=DAY)
    clock(OVER)
    await sweep.sweep(tickets)

    await market.put(ticket, {"title": "Concert", "price": 20, "eventDate": "2087-07-01"})

    assert await market.titles() == ["Concert"]


async def test_an_order_of_before_the_end_is_paid_after_it(
    market: Market, clock: Clock, stream: FakeStream
) -> None:
    clock(LAST_MOMENT)
    ticket = await offered(market, eventDate=DAY)
    order = Sale.of(ticket)
    await deliver(stream, order.created())

    clock(OVER)
    await deliver(stream, order.completed())

    assert (await market.shown(ticket))["status"] == "sold"
