import httpx
import pytest

from common.base.identity import CurrentUser
from common.testing.answers import errors_of, message_of, next_page
from common.testing.browser import a_user, signed_in
from tests.builders import Json, Market


async def walk(market: Market, path: str, headers: dict[str, str] | None = None) -> list[Json]:
    """Every ticket of every page, while one more ticket is offered between any two pages."""
    found: list[Json] = []
    while True:
        response = await market.client.get(path, headers=headers)
        assert response.status_code == 200, response.text
        found += response.json()
        following = next_page(response)
        if following is None:
            return found
        path = following
        await market.a_ticket("latecomer", 7)


async def test_the_list_has_the_newest_first(market: Market) -> None:
    for title in ("first", "second", "third"):
        await market.a_ticket(title)

    assert await market.titles() == ["third", "second", "first"]


async def test_the_list_is_empty_at_first(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/tickets")

    assert (response.status_code, response.json(), next_page(response)) == (200, [], None)


async def test_the_list_has_only_what_is_on_sale(market: Market) -> None:
    await market.a_held_ticket()
    await market.a_sold_ticket()
    await market.delete(await market.a_ticket())
    await market.a_ticket("free")

    assert await market.titles() == ["free"]


async def test_a_seller_sees_all_of_their_own_listings_and_no_others(market: Market) -> None:
    await market.a_held_ticket()
    await market.a_sold_ticket()
    await market.a_ticket()
    stranger = signed_in(a_user())
    await market.client.post("/api/tickets", json={"title": "theirs", "price": 1}, headers=stranger)

    response = await market.client.get("/api/tickets?seller=me", headers=signed_in(market.seller))

    assert [ticket["status"] for ticket in response.json()] == ["available", "sold", "held"]


async def test_own_listings_need_a_session(client: httpx.AsyncClient) -> None:
    assert message_of(await client.get("/api/tickets?seller=me"), 401) == "Not authorized"


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("rock", ["Rock am Ring"]),
        ("RING", ["Rock am Ring"]),
        (".*", []),
        ("100%25", ["100% (live)"]),
        ("(l", ["100% (live)"]),
    ],
)
async def test_a_search_finds_words_literally_in_any_case(market: Market, q: str, found: list[str]) -> None:
    for title in ("Rock am Ring", "100% (live)", "Opera"):
        await market.a_ticket(title)

    assert await market.titles(f"?q={q}") == found


async def test_a_search_follows_an_edit(market: Market) -> None:
    ticket = await market.a_ticket("Rock")
    await market.put(ticket, {"title": "Opera", "price": 1})

    assert await market.titles("?q=rock") == []
    assert await market.titles("?q=opera") == ["Opera"]


async def test_the_cheapest_come_first_when_asked_for(market: Market) -> None:
    for title, price in (("dear", 30), ("cheap", 9.5), ("middle", 10), ("cheap too", 9.5)):
        await market.a_ticket(title, price)

    assert await market.titles("?sort=price") == ["cheap too", "cheap", "middle", "dear"]
    assert await market.titles("?sort=newest") == ["cheap too", "middle", "cheap", "dear"]


async def test_a_page_has_as_many_as_asked_for_and_says_where_the_next_is(market: Market) -> None:
    for title in ("first", "second", "third"):
        await market.a_ticket(title)

    response = await market.client.get("/api/tickets?limit=2")

    assert [ticket["title"] for ticket in response.json()] == ["third", "second"]
    assert response.headers["link"].startswith("</api/tickets?")
    assert next_page(await market.client.get("/api/tickets?limit=3")) is None


@pytest.mark.parametrize(
    "query", ["limit=3", "limit=3&sort=price", "limit=3&q=seat", "limit=3&sort=price&q=seat%201"]
)
async def test_pages_repeat_and_leave_out_nothing_while_tickets_are_added(market: Market, query: str) -> None:
    offered = [await market.a_ticket(f"Seat 1{number}", price=5 + number % 3) for number in range(10)]

    walked = [ticket["id"] for ticket in await walk(market, f"/api/tickets?{query}")]

    assert len(walked) == len(set(walked))
    assert {ticket["id"] for ticket in offered} <= set(walked)


async def test_the_pages_of_own_listings_stay_own(market: Market) -> None:
    offered = [await market.a_ticket() for _ in range(5)]
    await market.client.post(
        "/api/tickets", json={"title": "theirs", "price": 1}, headers=signed_in(a_user())
    )

    walked = await walk(market, "/api/tickets?seller=me&limit=2", signed_in(market.seller))

    assert [ticket["id"] for ticket in walked] == [ticket["id"] for ticket in reversed(offered)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=101", "limit"),
        ("limit=abc", "limit"),
        ("limit=1e400", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("sort=oldest", "sort"),
        ("seller=you", "seller"),
        ("cursor=", "cursor"),
        ("cursor=nonsense", "cursor"),
        ("cursor=%FF%00", "cursor"),
        ("cursor=MjAwMC5ub3BlLg", "cursor"),
        (f"cursor={'x' * 5000}", "cursor"),
        (f"q={'x' * 101}", "q"),
        ("q=%00", "q"),
    ],
)
async def test_a_bad_parameter_is_refused(
    client: httpx.AsyncClient, seller: CurrentUser, query: str, field: str
) -> None:
    response = await client.get(f"/api/tickets?{query}", headers=signed_in(seller))

    assert [entry["field"] for entry in errors_of(response, 400)] == [field]


@pytest.mark.parametrize("q", ["%ED%A0%80", "%FF", "[", "\\", "$", "(?i)", "%F0%9F%8E%B8", "%C3%9F"])
async def test_a_search_takes_any_text(client: httpx.AsyncClient, q: str) -> None:
    response = await client.get(f"/api/tickets?q={q}")

    assert (response.status_code, response.json()) == (200, [])
