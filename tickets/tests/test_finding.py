"""Search, price range and order of the list: the same on the database in memory and on the real one."""

import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from common.base import times
from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.answers import errors_of, next_page
from common.testing.browser import running, signed_in
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from tests.builders import Market, Sale, an_app
from tickets.search import fold

TOMORROW = (times.now() + timedelta(days=1)).date().isoformat()
NEXT_YEAR = (times.now() + timedelta(days=365)).date().isoformat()


GUNS = "Gu\u200bns N\u2019 Roses \u201clive\u201d"
Anywhere = tuple[Market, Database]


@pytest.fixture(params=["database", pytest.param("real_database", marks=pytest.mark.connected)])
def either_database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def anywhere(
    either_database: Database, stream: FakeStream, seller: CurrentUser
) -> AsyncIterator[Anywhere]:
    async with running(an_app(either_database, stream)) as client:
        yield Market(client, stream, seller), either_database


async def offered(market: Market, title: str, price: object = 20, **details: str) -> dict[str, Any]:
    response = await market.post({"title": title, "price": price, **details})
    assert response.status_code == 201, response.text
    ticket: dict[str, Any] = response.json()
    return ticket


async def walked(market: Market, query: str) -> list[str]:
    """The titles of every page."""
    path: str | None = f"/api/tickets?{query}"
    found: list[str] = []
    while path is not None:
        response = await market.client.get(path, headers=signed_in(market.seller))
        assert response.status_code == 200, response.text
        found += [ticket["title"] for ticket in response.json()]
        path = next_page(response)
    return found


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("cafe", ["Café Müller"]),
        ("CAFÉ", ["Café Müller"]),
        ("muller%20cafe", ["Café Müller"]),
        ("cafe%CC%81", ["Café Müller"]),
        ("strasse", ["Straßenfest"]),
        ("STRASSEN", ["Straßenfest"]),
        ("istanbul", ["İstanbul"]),
        ("%E4%B8%9C%E4%BA%AC", ["東京ドーム 东京"]),
        ("ghent", ["Café Müller"]),
        ("row%2012%20cafe", ["Café Müller"]),
        ("lodz", ["Łódź, Ærø, Kad\N{LATIN SMALL LETTER DOTLESS I}köy"]),
        ("aero%20kadikoy", ["Łódź, Ærø, Kad\N{LATIN SMALL LETTER DOTLESS I}köy"]),
        ("%C5%81%C3%93D%C5%B9", ["Łódź, Ærø, Kad\N{LATIN SMALL LETTER DOTLESS I}köy"]),
        ("rock", ["\U0001d411\U0001d428\U0001d41c\U0001d424"]),
        ("guns%20n%27%20roses", [GUNS]),
        ("guns%20n%E2%80%98%20roses", [GUNS]),
        ("guns%C2%B4", []),
        ("Guns%E2%80%8B", [GUNS]),
        ("%EF%BB%BFGu%C2%ADns%E2%80%8E", [GUNS]),
        ("%22live%22", [GUNS]),
        ("%C2%ABlive%C2%BB", [GUNS]),
        ("jay-z", ["Jay\u2011Z \u2013 a \u2212 b"]),
        ("jay%E2%80%94z%20-", ["Jay\u2011Z \u2013 a \u2212 b"]),
        ("%E3%85%A4%20cafe", ["Café Müller"]),
        ("cafe%20strasse", []),
        (".*", []),
        ("%5B", []),
    ],
)
async def test_each_word_is_found_in_title_venue_or_seat_whatever_its_case_and_accents(
    anywhere: Anywhere, q: str, found: list[str]
) -> None:
    market, _ = anywhere
    await offered(market, "Café Müller", venue="Great Hall, Ghënt", seat="Row 12")
    await offered(market, "Straßenfest")
    await offered(market, "İstanbul")
    await offered(market, "東京ドーム 东京")
    await offered(market, "Łódź, Ærø, Kad\N{LATIN SMALL LETTER DOTLESS I}köy")
    await offered(market, "\U0001d411\U0001d428\U0001d41c\U0001d424")
    await offered(market, GUNS)
    await offered(market, "Jay\u2011Z \u2013 a \u2212 b")

    assert await market.titles(f"?q={q}") == found


async def test_a_sign_is_found_as_the_last_release_searches_it_and_as_it_stored_it(
    anywhere: Anywhere,
) -> None:
    """The last release looks for the typed sign in what this one stored; this one finds what that stored."""
    market, database = anywhere
    ticket = await offered(market, "N\u2019 Roses")
    stored = await database["tickets"].find_one({"_id": ticket["id"]})
    assert stored is not None
    assert re.search("n\u2019", stored["search"])

    await database["tickets"].update_one({"_id": ticket["id"]}, {"$set": {"search": "n\u2019 roses"}})

    assert await market.titles("?q=N%E2%80%99") == ["N\u2019 Roses"]


async def test_words_of_which_nothing_can_be_seen_are_none(anywhere: Anywhere) -> None:
    market, _ = anywhere
    await offered(market, "Café")

    assert await market.titles("?q=%E2%80%8B%20%E2%A0%80%20%EF%B8%8F") == ["Café"]


@pytest.mark.parametrize("character", list("\u2010\u2011\u2012\u2013\u2014\u2015\u2e3a\u301c\ufe58\uff0d"))
def test_every_dash_is_one(character: str) -> None:
    assert fold(f"a{character}b") == "a-b"


async def test_what_was_stored_before_there_were_details_is_found_and_shown(anywhere: Anywhere) -> None:
    market, database = anywhere
    ticket = await offered(market, "Café")
    added = ("details", "soonness", "order_price_cents")
    await database["tickets"].update_one(
        {"_id": ticket["id"]}, {"$set": {"search": "café"}, "$unset": dict.fromkeys(added, "")}
    )

    for query in ("?q=café", "?q=CAFÉ", "?sort=date", "?minPrice=20"):
        assert await market.titles(query) == ["Café"]
    assert await market.shown(ticket) == ticket


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("minPrice=10", ["30", "10"]),
        ("maxPrice=10.00", ["10", "9.99"]),
        ("minPrice=9.99&maxPrice=10", ["10", "9.99"]),
        ("minPrice=31", []),
        ("minPrice=0", ["30", "10", "9.99"]),
        ("minPrice=-5&maxPrice=2000000", ["30", "10", "9.99"]),
        (f"maxPrice={'9' * 100}", ["30", "10", "9.99"]),
        (f"minPrice={'9' * 100}", []),
        ("maxPrice=0", []),
        ("maxPrice=-1", []),
        ("minPrice=9.981&maxPrice=9.999", ["9.99"]),
        (f"minPrice=9.99{'0' * 60}1", ["30", "10"]),
        (f"maxPrice=9.98{'9' * 60}", []),
        ("minPrice=&maxPrice=&q=", ["30", "10", "9.99"]),
        ("minPrice=10&sort=price&q=3", ["30"]),
    ],
)
async def test_a_price_range_includes_its_ends(anywhere: Anywhere, query: str, found: list[str]) -> None:
    market, _ = anywhere
    for price in ("9.99", "10", "30"):
        await offered(market, price, price)

    assert await market.titles(f"?{query}") == found


async def test_the_dearest_and_the_soonest_come_first_when_asked_for(anywhere: Anywhere) -> None:
    market, _ = anywhere
    await offered(market, "next year", 10, eventDate=NEXT_YEAR)
    await offered(market, "some day", 30)
    await offered(market, "tomorrow", 20, eventDate=TOMORROW)

    assert await market.titles("?sort=-price") == ["some day", "tomorrow", "next year"]
    assert await market.titles("?sort=date") == ["tomorrow", "next year", "some day"]


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "date"])
async def test_a_cursor_is_good_for_its_own_order_only(market: Market, sort: str) -> None:
    for day in (TOMORROW, ""):
        await offered(market, "Seat", eventDate=day)
    path = next_page(await market.client.get(f"/api/tickets?limit=1&sort={sort}"))
    (cursor,) = parse_qs(urlsplit(path or "").query)["cursor"]

    for other in {"newest", "price", "-price", "date"} - {sort}:
        refused = await market.client.get(f"/api/tickets?cursor={cursor}&sort={other}")
        assert errors_of(refused, 400) == [{"message": "Cursor is not one of ours", "field": "cursor"}]
    assert (await market.client.get(f"/api/tickets?cursor={cursor}&sort={sort}")).status_code == 200


def test_every_character_is_folded_as_far_as_it_goes() -> None:
    every = "".join(map(chr, range(0x20, 0xD800))) + "".join(map(chr, range(0xE000, sys.maxunicode, 7)))

    assert fold(fold(every)) == fold(every)


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "date"])
@pytest.mark.parametrize("filters", ["", "&q=seat&minPrice=5&maxPrice=7"])
async def test_pages_have_everything_once_in_every_order_and_keep_the_filters(
    anywhere: Anywhere, sort: str, filters: str
) -> None:
    market, _ = anywhere
    days = (TOMORROW, "", NEXT_YEAR)
    for number in range(11):
        await offered(market, f"Seat {number}", 5 + number % 4, eventDate=days[number % 3])

    pages = await walked(market, f"limit=2&sort={sort}{filters}")

    assert pages == await walked(market, f"limit=100&sort={sort}{filters}")
    assert len(pages) == len(set(pages)) == (11 if not filters else 9)


async def test_a_seller_sees_listings_of_one_status(anywhere: Anywhere) -> None:
    market, _ = anywhere
    for status in ("available", "held", "sold", "withdrawn"):
        ticket = await offered(market, status)
        if status in ("held", "sold"):
            order = Sale.of(ticket)
            await deliver(market.stream, order.created())
            if status == "sold":
                await deliver(market.stream, order.completed())
        elif status == "withdrawn":
            await market.delete(ticket)

    for status in ("available", "held", "sold", "withdrawn"):
        assert await walked(market, f"seller=me&status={status}&limit=1") == [status]


async def test_a_summary_counts_listings_and_adds_up_what_buyers_paid(anywhere: Anywhere) -> None:
    market, _ = anywhere
    for paid in (False, True, True):
        # At the order's price, $20: an edit to $50 was on its way when it was placed.
        order = Sale.of(await offered(market, "Concert", 50))
        await deliver(market.stream, order.created())
        if paid:
            await deliver(market.stream, order.completed())
    await offered(market, "Free")
    await market.delete(await offered(market, "Gone"))

    answer = await market.client.get("/api/tickets/summary", headers=signed_in(market.seller))

    assert (answer.status_code, answer.json()) == (
        200,
        {"available": 1, "held": 1, "sold": 2, "withdrawn": 1, "earned": 40.0},
    )


async def test_a_summary_needs_a_session_and_starts_at_nothing(market: Market) -> None:
    assert (await market.client.get("/api/tickets/summary")).status_code == 401
    answer = await market.client.get("/api/tickets/summary", headers=signed_in(market.seller))
    assert answer.json() == {"available": 0, "held": 0, "sold": 0, "withdrawn": 0, "earned": 0.0}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("minPrice=1e400", "minPrice"),
        ("minPrice=%00", "minPrice"),
        ("maxPrice=20,50", "maxPrice"),
        (f"maxPrice={'9' * 101}", "maxPrice"),
        ("minPrice=10&maxPrice=5", "minPrice"),
        ("status=sold", "status"),
        ("seller=me&status=nope", "status"),
        ("sort=price&cursor=LjZiMDU4MmYwYjBjNDM3YzFiZWIyNTczZQ", "cursor"),
    ],
)
async def test_a_bad_filter_is_refused(market: Market, query: str, field: str) -> None:
    answer = await market.client.get(f"/api/tickets?{query}", headers=signed_in(market.seller))

    assert [entry["field"] for entry in errors_of(answer, 400)] == [field]
