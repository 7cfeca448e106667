import json
from datetime import UTC, datetime

import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import alerts, error_of, links, page
from tests.fake_apis import FakeApis

from client.flash import Flash
from client.refusals import TicketNotSaleableYet
from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.details import first_day
from common.testing.browser import a_user

SEEN = {"price": "20.00"}
"""Fields of the form of a ticket at $20."""

EVIL = "<script>alert('x')</script> & \"friends\""


async def test_the_front_page_lists_tickets_on_sale(browser: Browser, apis: FakeApis) -> None:
    ticket = apis.sell("Concert", "19.5")
    apis.order(a_user(), apis.sell("Held"))

    shown = page(await browser.get("/"))

    (card,) = shown.all("li", cls="card")
    assert card.text == "No date given Concert $19.50"
    assert card.one("a")["href"] == f"/tickets/{ticket.id}"


async def test_an_empty_front_page_says_so(browser: Browser) -> None:
    assert "No tickets are on sale right now." in page(await browser.get("/")).one("main").text


async def test_a_search_that_finds_nothing_says_so_literally(browser: Browser) -> None:
    answer = await browser.get("/", params={"q": EVIL})

    assert f"No tickets match “{EVIL}”." in page(answer).one("main").text
    assert page(answer).one("input", name_="q")["value"] == EVIL


async def test_search_and_sort_are_the_apis(browser: Browser, apis: FakeApis) -> None:
    for title, price in (("Opera A", "30"), ("Opera B", "10"), ("Rock", "5")):
        apis.sell(title, price)

    shown = page(await browser.get("/?q=opera&sort=price&evil=1"))

    assert [li.one("a").text for li in shown.all("li", cls="card")] == ["Opera B", "Opera A"]
    assert "selected" in shown.one("option", value="price")
    assert dict(apis.seen[-1].url.params) == {"q": "opera", "sort": "price"}


async def test_pages_follow_the_apis_link(browser: Browser, apis: FakeApis) -> None:
    for number in range(5):
        apis.sell(f"Number {number} & co")
    seen: list[str] = []
    address: str | None = "/?q=number&limit=2"
    while address:
        answer = await browser.get(address)
        seen += [li.one("a").text for li in page(answer).all("li", cls="card")]
        address = links(answer).get("Next page")

    assert seen == [f"Number {number} & co" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("cheap", "Enter a price such as 20.50"),
        ("1.000", "This price can be read in two ways. Write it with its cents, such as 1000.00"),
    ],
)
async def test_a_price_that_can_not_be_read_is_named_above_the_other_results(
    browser: Browser, apis: FakeApis, typed: str, message: str
) -> None:
    for title in ("Opera", "Rock"):
        apis.sell(title, "5")

    answer = await browser.get("/", params={"q": "opera", "minPrice": typed})

    shown = page(answer)
    results = shown.one("section", id="results")
    assert (answer.status_code, alerts(results)) == (200, [message])
    assert [card.one("a").text for card in results.all("li", cls="card")] == ["Opera"]
    assert shown.one("input", name_="q")["value"] == "opera"
    assert shown.one("input", name_="minPrice")["value"] == typed


@pytest.mark.parametrize(
    ("typed", "sent"),
    [("$1,000", "1000"), ("20,50", "20.50"), ("\uff11\uff12", "12"), ("0", "0"), ("-1", "-1")],
)
async def test_a_price_range_is_typed_as_people_write_prices(
    browser: Browser, apis: FakeApis, typed: str, sent: str
) -> None:
    answer = await browser.get("/", params={"minPrice": typed})

    assert answer.status_code == 200
    assert dict(apis.seen[-1].url.params) == {"minPrice": sent}


@pytest.mark.parametrize(
    "query", ["sort=cheapest", "limit=500", "limit=abc", "cursor=x", "sort=x&limit=0&cursor=x", "evil=1"]
)
async def test_what_makes_no_sense_in_an_address_is_left_out(
    browser: Browser, apis: FakeApis, query: str
) -> None:
    apis.sell("Opera")

    answer = await browser.get(f"/?q=opera&{query}")

    shown = page(answer)
    assert (answer.status_code, alerts(shown)) == (200, [])
    assert [card.one("a").text for card in shown.all("li", cls="card")] == ["Opera"]


@pytest.mark.parametrize("query", ["status=bogus", "limit=abc", "cursor=x"])
async def test_ones_own_lists_leave_it_out_too(as_user: As, apis: FakeApis, query: str) -> None:
    seller = a_user()
    apis.sell("Opera", seller=seller.id)
    browser = as_user(seller)

    answer = await browser.get(f"/listings?{query}")

    assert [row.one("bdi").text for row in page(answer).one("ul", cls="rows").all("li")] == ["Opera"]
    assert page(answer).one("nav", cls="tabs").one("a", href="/listings")["aria-current"] == "page"
    assert (await browser.get(f"/orders?{query}")).status_code == 200


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("q=nothing", "Try fewer or other words."),
        ("maxPrice=1", "Try a wider price range."),
        ("q=nothing&maxPrice=1", "Try fewer words or a wider price range."),
    ],
)
async def test_advice_is_about_what_was_asked(browser: Browser, query: str, advice: str) -> None:
    assert page(await browser.get(f"/?{query}")).one("div", cls="empty").all("p")[1].text == (
        f"{advice} See all tickets"
    )


async def test_a_price_range_that_holds_nothing_says_so(browser: Browser, apis: FakeApis) -> None:
    apis.sell("Concert", "5")

    answer = await browser.get("/", params={"minPrice": "10", "maxPrice": ""})

    assert "No tickets in this price range." in page(answer).one("main").text
    assert dict(apis.seen[-1].url.params) == {"minPrice": "10"}


async def test_the_sellers_details_of_the_event_are_shown(browser: Browser, apis: FakeApis) -> None:
    ticket = apis.sell("Concert", "20")
    ticket.event_date, ticket.venue, ticket.seat = "2087-05-31", "Great Hall, Ghent", "Row 3, 14"

    card = page(await browser.get("/")).one("li", cls="card")
    facts = page(await browser.get(f"/tickets/{ticket.id}")).one("dl", cls="facts")

    assert card.one("time").text == "Sat, May 31, 2087 Sat 31 May 2087"
    assert card.one("p", cls="where").text == "Great Hall, Ghent Row 3, 14"
    assert [dd.text for dd in facts.all("dd")] == ["Sat, May 31, 2087", "Great Hall, Ghent", "Row 3, 14"]


@pytest.mark.parametrize("path", ["/", "/tickets/{id}"])
async def test_a_title_is_shown_literally(browser: Browser, apis: FakeApis, path: str) -> None:
    ticket = apis.sell(EVIL)

    answer = await browser.get(path.format(id=ticket.id))

    assert "<script>alert" not in answer.text
    assert EVIL in page(answer).one("main").text


async def test_a_ticket_can_be_bought(as_user: As, apis: FakeApis) -> None:
    buyer, ticket = a_user(), apis.sell("Concert", "20")
    browser = as_user(buyer)
    shown = page(await browser.get(f"/tickets/{ticket.id}"))
    assert "Concert Date Not given by the seller For sale $20.00" in shown.one("main").text
    form = shown.one("main").one("form")
    assert form.text == "Purchase"

    answer = await browser.post(form["action"], data={"price": form.one("input", name_="price")["value"]})

    (order,) = apis.orders.values()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order.id}")
    assert order.user_id == buyer.id


async def test_purchase_says_for_how_long_it_holds_the_ticket(browser: Browser, apis: FakeApis) -> None:
    path = f"/tickets/{apis.sell().id}"

    english = page(await browser.get(path)).one("main").text
    chinese = page(await browser.get(path, headers={"Accept-Language": "zh"})).one("main").text

    assert "for 15 minutes while you pay." in english
    assert "15 分钟" in chinese


async def test_a_stranger_signs_in_before_buying(browser: Browser, apis: FakeApis) -> None:
    ticket = apis.sell()

    answer = await browser.post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    assert answer.status_code == 401
    assert page(answer).one("h1").text == "Sign In"
    back = await browser.get(f"/tickets/{ticket.id}/purchase")
    assert back.headers["location"] == f"/tickets/{ticket.id}"
    assert apis.orders == {}


async def test_a_ticket_that_another_was_faster_for_is_refused_in_words(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell()
    apis.order(a_user(), ticket)

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    assert answer.status_code == 400
    shown = page(answer)
    assert alerts(shown) == ["Ticket is already reserved"]
    assert shown.one("span", cls="badge").text == "Reserved"
    assert shown.one("main").all("form") == []


async def test_a_slower_buyer_sees_a_taken_ticket_even_before_tickets_received_the_order(
    as_user: As, apis: FakeApis
) -> None:
    ticket = apis.sell()
    apis.order(a_user(), ticket)
    apis.orders_hidden = 5

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    shown = page(answer)
    assert alerts(shown) == ["Ticket is already reserved"]
    assert shown.one("span", cls="badge").text == "Reserved"


async def test_a_second_click_on_purchase_leads_to_the_first_ones_order(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell()
    browser = as_user(a_user())

    first = await browser.post(f"/tickets/{ticket.id}/purchase", data=SEEN)
    second = await browser.post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    assert first.headers["location"] == second.headers["location"]
    assert len(apis.orders) == 1


async def test_a_purchase_waits_until_the_orders_service_knows_the_ticket(
    as_user: As, apis: FakeApis
) -> None:
    ticket = apis.sell()
    apis.lag = 3

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    assert answer.headers["location"].startswith("/orders/")


async def test_a_purchase_does_not_wait_for_ever(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell()
    apis.lag = 10_000

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    assert answer.status_code == 400
    assert alerts(page(answer)) == [TicketNotSaleableYet.default_message]


async def test_an_unknown_ticket_can_not_be_bought(as_user: As, apis: FakeApis) -> None:
    answer = await as_user(a_user()).post(f"/tickets/{new_id()}/purchase", data=SEEN)

    assert answer.status_code == 404
    assert len(apis.calls("POST", "/api/orders")) == 1


async def test_the_holder_is_led_to_the_order(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)

    answer = await as_user(buyer).get(f"/tickets/{order.ticket.id}")

    assert links(answer)["Go to your order"] == f"/orders/{order.id}"


@pytest.mark.parametrize(
    ("status", "words"), [("held", "It is reserved for you."), ("sold", "You bought this ticket.")]
)
async def test_a_buyer_whom_the_tickets_api_does_not_know_is_led_to_the_order(
    as_user: As, apis: FakeApis, status: str, words: str
) -> None:
    """A release that did not store the buyer took the hold."""
    buyer = a_user()
    order = apis.order(buyer, status="complete" if status == "sold" else "created")
    order.ticket.order_id, order.ticket.status = None, status

    answer = await as_user(buyer).get(f"/tickets/{order.ticket.id}")

    assert words in page(answer).one("main").text
    assert links(answer)["Go to your order"] == f"/orders/{order.id}"


@pytest.mark.parametrize(
    ("status", "badge", "words"),
    [("held", "Reserved", "Another buyer holds"), ("sold", "Sold", "This ticket is sold.")],
)
async def test_others_see_that_a_ticket_is_taken(
    as_user: As, apis: FakeApis, status: str, badge: str, words: str
) -> None:
    order = apis.order(a_user())
    order.ticket.status = status

    shown = page(await as_user(a_user()).get(f"/tickets/{order.ticket.id}"))

    assert shown.one("span", cls="badge").text == badge
    assert words in shown.one("main").text
    assert shown.one("main").all("button") == []


async def test_the_seller_can_edit_and_withdraw_but_not_buy(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    browser = as_user(seller)

    answer = await browser.get(f"/tickets/{ticket.id}")

    assert links(answer)["Edit"] == f"/tickets/{ticket.id}/edit"
    assert links(answer)["Withdraw"] == f"/tickets/{ticket.id}/withdraw"
    assert page(answer).one("main").all("form") == []


async def test_a_held_ticket_can_not_be_withdrawn(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    apis.order(a_user(), ticket)

    answer = await as_user(seller).post(f"/tickets/{ticket.id}/withdraw")

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["Cannot withdraw a reserved or sold ticket"]


async def test_selling_a_ticket(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    offer = {"title": " Concert ", "price": "20.00", "eventDate": "2087-05-31", "venue": "Hall", "seat": ""}

    answer = await as_user(seller).post("/tickets/new", data=offer)

    (ticket,) = apis.tickets.values()
    assert (ticket.event_date, ticket.venue, ticket.seat) == ("2087-05-31", "Hall", None)
    assert (ticket.title, str(ticket.price), ticket.user_id) == ("Concert", "20.00", seller.id)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/tickets/{ticket.id}")


ALL_OF_IT = {
    "title": "Concert",
    "price": "20.00",
    "eventDate": "2087-05-31",
    "startTime": "19:30",
    "venue": "Great Hall",
    "city": "Ghent",
    "seat": "Row 3",
    "faceValue": "18.50",
    "notes": "No bags.\r\nA drink is included.",
}


async def test_a_listing_shows_all_that_its_seller_says_of_it(as_user: As) -> None:
    browser = as_user(a_user())

    listed = await browser.post("/tickets/new", data=ALL_OF_IT)
    shown = (await browser.get(listed.headers["location"])).text
    answer = await browser.get(f"{listed.headers['location']}/edit")
    form = page(answer)

    for words in ("19:30", "Great Hall", "Ghent", "Row 3", "$18.50", ">No bags.\nA drink is included.</dd>"):
        assert words in shown
    assert form.one("input", name_="startTime")["value"] == "19:30"
    assert form.one("input", name_="city")["value"] == "Ghent"
    assert form.one("input", name_="faceValue")["value"] == "18.50"
    # HTML drops the first line end of a textarea.
    assert ">\nNo bags.\nA drink is included.</textarea>" in answer.text


async def test_a_face_value_is_read_as_people_write_it_and_refused_beside_its_field(as_user: As) -> None:
    browser = as_user(a_user())

    listed = await browser.post("/tickets/new", data={**ALL_OF_IT, "faceValue": "$1,018.50"})
    unclear = page(await browser.post("/tickets/new", data={**ALL_OF_IT, "faceValue": "1.000"}))
    no_price = page(await browser.post("/tickets/new", data={**ALL_OF_IT, "faceValue": "much"}))

    assert "$1,018.50" in page(await browser.get(listed.headers["location"])).text
    assert error_of(unclear, "faceValue")
    assert error_of(no_price, "faceValue") == "Enter the face value as a price, such as 20.50"
    assert unclear.one("textarea", name_="notes").text == "No bags. A drink is included."


async def test_a_form_that_leaves_the_newer_fields_empty_is_one_of_the_release_before(
    as_user: As, apis: FakeApis
) -> None:
    """An API of that release, which may run beside these pages, refuses fields that it does not know."""
    offer = {**ALL_OF_IT, **dict.fromkeys(("startTime", "city", "faceValue", "notes"), "")}

    await as_user(a_user()).post("/tickets/new", data=offer)

    (call,) = apis.calls("POST", "/api/tickets")
    assert set(json.loads(call.content)) == {"title", "price", "eventDate", "venue", "seat"}


async def test_each_bad_field_has_its_message_and_keeps_its_input(as_user: As) -> None:
    answer = await as_user(a_user()).post("/tickets/new", data={"title": "", "price": "<free>"})

    assert answer.status_code == 400
    shown = page(answer)
    assert error_of(shown, "title") == "Enter a title"
    assert error_of(shown, "price") == "Enter a price such as 20.50"
    assert shown.one("input", name_="price")["value"] == "<free>"
    assert alerts(shown) == []


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ("abc", "Enter a price such as 20.50"),
        ("0", "Price must be greater than 0"),
        ("-5", "Price must be greater than 0"),
        ("1,000,000.01", "Price must be at most 1000000"),
        ("20.5055", "Price must have at most two decimals"),
        ("1.000", "This price can be read in two ways. Write it with its cents, such as 1000.00"),
    ],
)
@pytest.mark.parametrize("path", ["/tickets/new", "/tickets/{id}/edit"])
async def test_a_refused_price_says_what_is_wrong_with_it(
    as_user: As, apis: FakeApis, path: str, price: str, message: str
) -> None:
    seller = a_user()
    ticket = apis.sell("Concert", "20", seller.id)

    answer = await as_user(seller).post(path.format(id=ticket.id), data={"title": "Concert", "price": price})

    assert answer.status_code == 400
    assert error_of(page(answer), "price") == message
    assert page(answer).one("input", name_="price")["value"] == price


async def test_a_price_is_typed_as_people_write_prices(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    browser = as_user(seller)
    await browser.post("/tickets/new", data={"title": "Concert", "price": "$1,234.50"})
    (ticket,) = apis.tickets.values()
    assert str(ticket.price) == "1234.50"

    await browser.post(f"/tickets/{ticket.id}/edit", data={"title": "Concert", "price": "20,50"})

    assert str(ticket.price) == "20.50"


async def test_a_day_that_is_over_is_refused_beside_its_field(as_user: As, apis: FakeApis) -> None:
    offer = {"title": "Concert", "price": "20", "eventDate": "2020-01-01"}

    answer = await as_user(a_user()).post("/tickets/new", data=offer)

    assert error_of(page(answer), "eventDate") == "The day of this event is over"
    assert apis.tickets == {}


async def test_the_browser_itself_checks_the_date(as_user: As) -> None:
    """With `novalidate` it would send half a date as none."""
    form = page(await as_user(a_user()).get("/tickets/new")).one("main").one("form")

    assert "novalidate" not in form
    assert form.one("input", name_="eventDate")["min"] == first_day(times.now()).isoformat()
    assert all("required" not in field for field in form.all("input"))
    assert form.one("input", name_="title")["aria-required"] == "true"


@pytest.mark.parametrize("day", ["2020-01-01", "31.5.2087", "2087-02-30"])
async def test_a_date_as_text_is_refused_beside_its_field(as_user: As, apis: FakeApis, day: str) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    ticket.event_date = "2087-05-31"
    edit = {"title": "Concert", "price": "20", "eventDate": day}

    answer = await as_user(seller).post(f"/tickets/{ticket.id}/edit", data=edit)

    assert error_of(page(answer), "eventDate")
    assert page(answer).one("input", name_="eventDate")["value"] == day
    assert ticket.event_date == "2087-05-31"


async def test_an_edit_that_leaves_no_date_says_so(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    browser = as_user(seller)

    for day, flash in (("2087-05-31", Flash.SAVED), ("", Flash.SAVED_WITHOUT_DATE)):
        saved = await browser.post(
            f"/tickets/{ticket.id}/edit", data={"title": "Concert", "price": "20", "eventDate": day}
        )
        assert saved.cookies["flash"] == flash


async def test_a_ticket_whose_day_is_over_can_not_be_bought(
    as_user: As, apis: FakeApis, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    ticket.event_date = "2087-05-31"
    monkeypatch.setattr(times, "now", lambda: datetime(2087, 6, 1, 11, 59, 59, tzinfo=UTC))
    path = f"/tickets/{ticket.id}"
    assert page(await as_user(a_user()).get(path)).one("main").one("button").text == "Purchase"

    monkeypatch.setattr(times, "now", lambda: datetime(2087, 6, 1, 12, tzinfo=UTC))

    shown = page(await as_user(a_user()).get(path))
    assert shown.one("span", cls="badge").text == "Event over"
    assert shown.one("main").all("button") == []
    assert "The day of this event is over." in shown.one("main").text
    refused = await as_user(a_user()).post(f"{path}/purchase", data=SEEN)
    assert alerts(page(refused)) == ["The day of this event is over"]
    own = page(await as_user(seller).get(path))
    assert "so nobody can buy it any more" in own.one("main").text
    assert [a.text for a in own.one("main").all("a", cls="button")] == ["Edit", "Withdraw"]
    (row,) = page(await as_user(seller).get("/listings")).one("ul", cls="rows").all("li")
    assert row.one("span", cls="badge").text == "Event over"


async def test_the_typed_input_survives_an_outage(as_user: As, apis: FakeApis) -> None:
    apis.failure = httpx.ConnectError("down")

    answer = await as_user(a_user()).post("/tickets/new", data={"title": "Concert", "price": "20"})

    assert answer.status_code == 503
    assert page(answer).one("input", name_="title")["value"] == "Concert"


async def test_an_edit_survives_an_outage_and_is_saved_after_it(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell("Concert", "20", seller.id)
    browser, path = as_user(seller), f"/tickets/{ticket.id}/edit"
    apis.failure = httpx.ConnectError("down")

    refused = page(await browser.post(path, data={"title": "Opera", "price": "25", "version": "0"}))
    apis.failure = None
    form = refused.one("form", id="ticket")
    saved = await browser.post(
        form["action"], data={field["name"]: field["value"] for field in form.all("input")}
    )

    assert saved.status_code == 303
    assert (ticket.title, str(ticket.price)) == ("Opera", "25.00")


async def test_a_form_without_fields_or_of_another_type_is_no_fault(as_user: As) -> None:
    browser = as_user(a_user())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    mixed = {"Content-Type": "multipart/form-data; boundary=x; charset=unicode_escape"}
    part = b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n\\ud800\r\n--x--\r\n'

    assert (await browser.post("/tickets/new", content=b"", headers=form)).status_code == 400
    assert (
        await browser.post("/tickets/new", content=b"title=%ED%A0%80%00", headers=form)
    ).status_code == 400
    assert (await browser.post("/tickets/new", content=part, headers=mixed)).status_code == 400


async def test_editing_a_ticket(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell("Concert", "20", seller.id)
    ticket.event_date = "2087-05-31"
    browser = as_user(seller)
    shown = page(await browser.get(f"/tickets/{ticket.id}/edit"))
    assert shown.one("input", name_="eventDate")["value"] == "2087-05-31"
    assert shown.one("input", name_="title")["value"] == "Concert"
    assert shown.one("input", name_="price")["value"] == "20.00"

    answer = await browser.post(f"/tickets/{ticket.id}/edit", data={"title": "Opera", "price": "19.99"})

    assert answer.headers["location"] == f"/tickets/{ticket.id}"
    assert (ticket.title, ticket.price.cents) == ("Opera", 1999)


async def test_a_held_ticket_can_not_be_edited(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell("Concert", "20", seller.id)
    apis.order(a_user(), ticket)
    browser = as_user(seller)

    shown = page(await browser.get(f"/tickets/{ticket.id}/edit"))
    answer = await browser.post(f"/tickets/{ticket.id}/edit", data={"title": "Opera", "price": "1"})

    assert "reserved for a buyer" in shown.one("main").text
    assert shown.one("main").all("form") == []
    assert answer.status_code == 400
    assert alerts(page(answer)) == ["Cannot edit a reserved ticket"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_only_its_seller_edits_a_ticket(as_user: As, apis: FakeApis, method: str) -> None:
    ticket = apis.sell()

    answer = await as_user(a_user()).request(
        method, f"/tickets/{ticket.id}/edit", data={"title": "Mine", "price": "1"}
    )

    assert answer.status_code == 401
    assert page(answer).one("h1").text == "You are not authorized to see this"
    assert ticket.title == "Concert"


async def test_listings_show_the_sellers_tickets_in_every_state(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    apis.sell("Somebody else's")
    for status in ("available", "held", "sold", "withdrawn"):
        apis.sell(status, "20", seller.id).status = status

    answer = await as_user(seller).get("/listings")

    rows = page(answer).one("ul", cls="rows").all("li")
    assert [row.text for row in rows] == [
        "withdrawn $20.00 Withdrawn Put back on sale",
        "sold $20.00 Sold",
        "held $20.00 Reserved",
        "available $20.00 For sale Edit Withdraw",
    ]
    assert [a.text for a in rows[0].all("a")] == ["withdrawn"]


async def test_listings_come_in_pages(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    for number in range(3):
        apis.sell(f"Number {number}", seller=seller.id)
    browser = as_user(seller)

    first = await browser.get("/listings?limit=2")
    second = await browser.get(links(first)["Next page"])

    assert [li.all("a")[0].text for li in page(second).one("ul", cls="rows").all("li")] == ["Number 0"]


async def test_listings_add_up_the_earnings_and_can_be_shown_by_state(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    for price, status in (("20", "sold"), ("19.99", "sold"), ("7", "available")):
        apis.sell(f"At {price}", price, seller.id).status = status
    browser = as_user(seller)

    first = await browser.get("/listings")
    sold = page(await browser.get(links(first)["Sold 2"]))

    assert page(first).one("dl", cls="sums").text == "Sold for $39.99"
    tabs = page(first).one("nav", cls="tabs")
    assert [a.text for a in tabs.all("a")] == ["All 3", "For sale 1", "Reserved 0", "Sold 2", "Withdrawn 0"]
    assert [a.text for a in sold.one("ul", cls="rows").all("a")] == ["At 19.99", "At 20"]
    assert sold.one("nav", cls="tabs").one("a", href="/listings?status=sold")["aria-current"] == "page"


async def test_a_price_that_changed_is_shown_before_buying(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell("Concert", "25")

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    assert answer.status_code == 400
    shown = page(answer)
    assert "The price was $20.00 when you looked, and is $25.00 now." in shown.one("main").text
    assert shown.one("input", name_="price")["value"] == "25.00"
    assert apis.orders == {}


async def test_a_purchase_waits_until_the_orders_service_knows_the_price(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell("Concert", "20")
    apis.old_price = Money.parse("10")

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", data=SEEN)

    assert answer.headers["location"].startswith("/orders/")
    assert len(apis.calls("POST", "/api/orders")) == 2


async def test_no_listings_yet(as_user: As) -> None:
    assert "You have not listed any tickets yet." in page(await as_user(a_user()).get("/listings")).text


@pytest.mark.parametrize("path", ["/tickets/new", "/listings", "/orders", f"/orders/{new_id()}"])
async def test_members_pages_send_strangers_to_sign_in(browser: Browser, path: str) -> None:
    answer = await browser.get(path)

    assert answer.status_code == 303
    assert answer.headers["location"] == str(httpx.URL("/auth/signin", params={"next": path}))
