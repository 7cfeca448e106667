"""Public list with words, from the search index: its orders, filters, pages, and the present state."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from common.base import times
from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.answers import next_page
from common.testing.browser import running
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from tests.builders import Json, Market, Sale, an_app
from tickets.finding.projection import NotCaughtUp, Projection

ORDERS = ["newest", "price", "-price", "date", "relevance"]


@pytest.fixture
async def market(
    database: Database, stream: FakeStream, seller: CurrentUser, tmp_path: Path
) -> AsyncIterator[Market]:
    async with running(an_app(database, stream, search_dir=str(tmp_path))) as client:
        yield Market(client, stream, seller)


async def offered(market: Market, title: str, price: object = 20, **details: str) -> Json:
    response = await market.post({"title": title, "price": price, **details})
    assert response.status_code == 201, response.text
    ticket: Json = response.json()
    return ticket


async def indexed(number: int) -> None:
    """Waits until the index has that many tickets, and answers."""
    async with asyncio.timeout(5):
        while (
            REGISTRY.get_sample_value("search_documents") != number
            or REGISTRY.get_sample_value("search_caught_up") != 1
        ):
            await asyncio.sleep(0.01)


async def walked(market: Market, query: str) -> list[str]:
    """The titles of every page."""
    path: str | None = f"/api/tickets?{query}"
    found: list[str] = []
    while path is not None:
        response = await market.client.get(path)
        assert response.status_code == 200, response.text
        found += [ticket["title"] for ticket in response.json()]
        path = next_page(response)
    return found


async def test_a_typo_is_forgiven_where_no_ticket_has_the_word(market: Market) -> None:
    await offered(market, "Taylor Swift")
    await offered(market, "Ballet")
    await indexed(2)

    for order in ORDERS:
        assert await market.titles(f"?q=taylor%20swfit&sort={order}") == ["Taylor Swift"]
        assert await market.titles(f"?q=nothing%20at%20all&sort={order}") == []


async def test_by_relevance_exact_words_come_first(market: Market) -> None:
    for title in ("Swift", "Swifts", "Overswift"):
        await offered(market, title)
    await indexed(3)

    assert await market.titles("?q=swift&sort=relevance") == ["Swift", "Swifts", "Overswift"]
    assert await market.titles("?q=swift") == ["Overswift", "Swifts", "Swift"]
    assert await walked(market, "q=swift&sort=relevance&limit=1") == ["Swift", "Swifts", "Overswift"]


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("common", [0, 20_000])
async def test_a_city_and_days_are_found_without_words_as_the_database_finds_them(
    market: Market, sort: str, common: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickets.finding.index.COMMON", common)
    days = [(times.now() + timedelta(days=number)).date().isoformat() for number in (2, 9)]
    for number, city in enumerate(("Ghent", "GHENT", "Rome", "Ghent", "")):
        await offered(market, f"Seat {number}", 5 + number, city=city, eventDate=[*days, ""][number % 3])
    await indexed(5)
    searches = ["city=ghént", f"from={days[0]}", f"to={days[0]}", f"city=Ghent&from={days[1]}&q=seat"]
    queries = [f"{search}&limit=1&sort={sort}" for search in searches]

    found = [await walked(market, query) for query in queries]
    monkeypatch.setattr("tickets.finding.finder._is_for_the_index", lambda _: False)

    assert [sorted(titles) for titles in found] == [
        ["Seat 0", "Seat 1", "Seat 3"],
        ["Seat 0", "Seat 1", "Seat 3", "Seat 4"],
        ["Seat 0", "Seat 3"],
        ["Seat 1"],
    ]
    if sort != "relevance":
        assert found == [await walked(market, query) for query in queries]


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("filters", ["", "&minPrice=5&maxPrice=7"])
async def test_pages_have_everything_once_in_every_order_and_keep_the_filters(
    market: Market, sort: str, filters: str
) -> None:
    days = [(times.now() + timedelta(days=number)).date().isoformat() for number in (1, 300)]
    for number in range(11):
        await offered(market, f"Seat {number}", 5 + number % 4, eventDate=[*days, ""][number % 3])
    await indexed(11)

    pages = await walked(market, f"q=seat&limit=2&sort={sort}{filters}")

    assert pages == await walked(market, f"q=seat&limit=100&sort={sort}{filters}")
    assert len(pages) == len(set(pages)) == (11 if not filters else 9)


async def test_pages_of_a_common_word_are_found_window_by_window(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickets.finding.index.COMMON", 0)
    for number in range(5):
        await offered(market, f"Seat {number}")
    await indexed(5)

    for order in ("newest", "relevance"):
        pages = await walked(market, f"q=seat&limit=2&sort={order}")
        assert pages == [f"Seat {number}" for number in reversed(range(5))]


@pytest.mark.parametrize("sort", ["price", "-price", "date", "newest"])
async def test_the_order_is_that_of_the_list_without_words(market: Market, sort: str) -> None:
    days = [(times.now() + timedelta(days=number)).date().isoformat() for number in (1, 300)]
    for number, price in enumerate((30, 10, 20)):
        await offered(market, f"Seat {number}", price, eventDate=[*days, ""][number])
    await indexed(3)

    assert await market.titles(f"?q=seat&sort={sort}") == await market.titles(f"?sort={sort}")


async def test_what_was_sold_a_moment_ago_is_not_shown_and_the_next_page_is(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [await offered(market, f"Seat {number}") for number in range(6)]
    await indexed(6)
    # The index stands still.
    monkeypatch.setattr("tickets.finding.writer.Writer.apply", lambda *_: None)
    for ticket in tickets[2:5]:
        await deliver(market.stream, Sale.of(ticket).created())

    assert await walked(market, "q=seat&limit=1") == ["Seat 5", "Seat 1", "Seat 0"]


async def test_the_database_answers_until_the_index_does(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_yet(*_: object) -> None:
        raise NotCaughtUp

    monkeypatch.setattr(Projection, "find", not_yet)
    for number in range(3):
        await offered(market, f"Seat {number}")

    for order in ("newest", "relevance"):
        assert await walked(market, f"q=seat&sort={order}&limit=1") == ["Seat 2", "Seat 1", "Seat 0"]


async def test_a_page_goes_on_where_the_other_way_answered_before(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await offered(market, f"Seat {number}", 5 + number)
    await indexed(4)
    find, shown = Projection.find, list[str]()

    async def not_yet(*_: object) -> None:
        raise NotCaughtUp

    for order in ("price", "-price", "newest", "date"):
        path, shown = f"/api/tickets?q=seat&limit=1&sort={order}", []
        for way in (find, not_yet, find, not_yet):
            monkeypatch.setattr(Projection, "find", way)
            response = await market.client.get(path)
            shown += [ticket["title"] for ticket in response.json()]
            path = next_page(response) or ""
        assert sorted(shown) == ["Seat 0", "Seat 1", "Seat 2", "Seat 3"]
