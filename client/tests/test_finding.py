"""Finding a ticket and the way: the search, its pages, the ways back, the menu."""

from datetime import UTC, date, datetime

import pytest
from tests.conftest import As, Browser
from tests.dom import links, page
from tests.fake_apis import FakeApis

from client.day_ranges import day_ranges
from common.base import times
from common.testing.browser import a_user


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("q=zzz", "Try fewer or other words."),
        ("minPrice=10", "Try a wider price range."),
        ("q=zzz&maxPrice=10", "Try fewer words or a wider price range."),
        ("city=Ghent", "Try other days or another city."),
        ("from=2087-05-01&minPrice=10", "Try other days or another city."),
        ("q=zzz&to=2087-05-01", "Try fewer words or other filters."),
    ],
)
async def test_the_advice_after_an_empty_search_fits_what_was_asked(
    browser: Browser, query: str, advice: str
) -> None:
    empty = page(await browser.get(f"/?{query}")).one("div", cls="empty")

    assert f"{advice} See all tickets" in empty.text


@pytest.mark.parametrize(
    ("query", "is_open"),
    [
        *(("", False), ("?q=opera", False), ("?sort=newest", False), ("?sort=price", True)),
        *(("?maxPrice=5", True), ("?city=Ghent", True), ("?from=2087-05-01", True)),
    ],
)
async def test_the_filters_are_open_where_one_is_set(browser: Browser, query: str, is_open: bool) -> None:
    assert ("open" in page(await browser.get(f"/{query}")).one("details")) == is_open


async def test_a_city_and_days_narrow_the_list_and_their_fields_keep_them(
    browser: Browser, apis: FakeApis
) -> None:
    for title, city, day in (("a", "Ghent", "2087-05-01"), ("b", "Ghent", "2087-06-01"), ("c", "Rome", None)):
        ticket = apis.sell(title)
        ticket.city, ticket.event_date = city, day

    shown = page(await browser.get("/?city=ghent&from=2087-05-02&to=2087-06-30"))

    assert [card.one("h2").text for card in shown.all("li", cls="card")] == ["b"]
    values = {name: shown.one("input", id=name)["value"] for name in ("city", "from", "to")}
    assert values == {"city": "ghent", "from": "2087-05-02", "to": "2087-06-30"}


async def test_days_the_wrong_way_round_are_named_beside_their_list(browser: Browser, apis: FakeApis) -> None:
    apis.sell("Concert").event_date = "2087-05-01"

    shown = page(await browser.get("/?from=2087-06-02&to=2087-05-01"))

    assert "The first day is after the last" in shown.one("section", id="results").text
    assert len(shown.all("li", cls="card")) == 1


async def test_a_named_range_of_days_is_a_link_that_keeps_the_search(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "now", lambda: datetime(2087, 5, 14, 12, tzinfo=UTC))

    days = page(await browser.get("/?q=opera&cursor=2")).one("ul", id="days")
    asked = page(await browser.get(days.all("a")[1]["href"])).one("ul", id="days")

    assert [link["href"] for link in days.all("a")] == [
        "/?q=opera&from=2087-05-14&to=2087-05-14",
        "/?q=opera&from=2087-05-17&to=2087-05-18",
        "/?q=opera&from=2087-05-14&to=2087-05-31",
    ]
    assert [link.text for link in asked.all("a") if "aria-current" in link] == ["This weekend"]


@pytest.mark.parametrize(
    ("today", "weekend", "last"),
    [
        ("2087-05-16", ("2087-05-17", "2087-05-18"), "2087-05-31"),
        ("2087-05-17", ("2087-05-17", "2087-05-18"), "2087-05-31"),
        ("2087-05-18", ("2087-05-18", "2087-05-18"), "2087-05-31"),
        ("2087-12-31", ("2088-01-03", "2088-01-04"), "2087-12-31"),
        ("2088-02-01", ("2088-02-01", "2088-02-01"), "2088-02-29"),
    ],
)
def test_a_range_begins_with_today(today: str, weekend: tuple[str, str], last: str) -> None:
    of_day, of_weekend, of_month = day_ranges(date.fromisoformat(today))

    assert (of_day.first, of_day.last) == (today, today)
    assert (of_weekend.first, of_weekend.last) == weekend
    assert (of_month.first, of_month.last) == (today, last)


async def test_the_front_page_counts_its_tickets(browser: Browser, apis: FakeApis) -> None:
    for _ in range(3):
        apis.sell()

    async def count(path: str) -> str:
        return page(await browser.get(path)).one("p", id="count").text

    assert await count("/") == "3 tickets on sale"
    assert await count("/?limit=2") == "More than 2 tickets on sale"
    assert await count("/?limit=2&cursor=2") == "1 ticket on this page"
    assert await count("/?q=concert") == "3 tickets found"
    assert await count("/?q=zzz") == "No tickets found"


async def test_a_later_page_leads_to_the_first_one_of_the_same_search(
    browser: Browser, apis: FakeApis
) -> None:
    for _ in range(5):
        apis.sell()

    first = await browser.get("/?q=concert&sort=price&limit=2")
    second = await browser.get(links(first)["Next page"])

    assert "First page" not in links(first)
    assert links(second)["First page"] == "/?q=concert&sort=price&limit=2"
    assert links(second)["Next page"].startswith("/?q=concert&sort=price&")
    assert links(await browser.get("/?cursor=5"))["First page"] == "/"


async def test_a_ticket_leads_back_to_the_search_that_found_it(browser: Browser, apis: FakeApis) -> None:
    for _ in range(3):
        apis.sell("Opera & more")
    found = await browser.get("/?q=opera+%26&sort=price&limit=1&cursor=1")

    address = page(found).one("li", cls="card").one("a")["href"]
    back = links(await browser.get(address))["Back to the results"]

    assert address.endswith("?q=opera+%26&sort=price&cursor=1")
    assert back == "/?q=opera+%26&sort=price&cursor=1"
    assert links(await browser.get(address.partition("?")[0]))["All tickets"] == "/"


async def test_a_seller_is_led_back_to_the_listings(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    back = page(await as_user(seller).get(f"/tickets/{ticket.id}")).one("p", cls="back")

    assert back.one("a")["href"] == "/listings"


async def test_sellers_see_which_tickets_are_their_own(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    apis.sell("Mine", seller=seller.id)
    apis.sell("Another's")

    cards = page(await as_user(seller).get("/")).all("li", cls="card")

    assert {card.one("a").text: "Yours" in card.text for card in cards} == {"Mine": True, "Another's": False}


async def test_a_guest_is_told_what_this_is_and_can_begin_to_sell(browser: Browser) -> None:
    shown = page(await browser.get("/"))

    assert "Buy a ticket from somebody who can't use it" in shown.one("p", cls="lead").text
    assert shown.one("header").one("a", href="/tickets/new").text == "Sell Tickets"
    answer = await browser.get("/tickets/new")
    assert answer.headers["location"] == "/auth/signin?next=%2Ftickets%2Fnew"


@pytest.mark.parametrize(
    ("path", "marked"),
    [("/listings", ("My Listings", "page")), ("/tickets/new", ("Sell Tickets", "page")), ("/", None)],
)
async def test_the_menu_marks_the_page(as_user: As, path: str, marked: tuple[str, str] | None) -> None:
    menu = page(await as_user(a_user()).get(path)).one("header").one("nav")

    current = [(a.text, a["aria-current"]) for a in menu.all("a") if "aria-current" in a]
    assert current == ([] if marked is None else [marked])


async def test_the_menu_marks_the_place_above_an_order(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)

    menu = page(await as_user(buyer).get(f"/orders/{order.id}")).one("header").one("nav")

    assert menu.one("a", href="/orders")["aria-current"] == "true"
