import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import alerts, error_of, links, page
from tests.fake_apis import FakeApis

from client.refusals import TicketNotSaleableYet
from common.base.ids import new_id
from common.base.money import Money
from common.testing.browser import a_user

SEEN = {"price": "20.00"}
"""Fields of the form of a ticket at $20."""

EVIL = "<script>alert('x')</script> & \"friends\""


async def test_the_front_page_lists_tickets_on_sale(browser: Browser, apis: FakeApis) -> None:
    ticket = apis.sell("Concert", "19.5")
    apis.order(a_user(), apis.sell("Held"))

    shown = page(await browser.get("/"))

    (card,) = shown.all("li", cls="card")
    assert card.text == "Concert $19.50"
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
        address = links(answer).get("More tickets")

    assert seen == [f"Number {number} & co" for number in (4, 3, 2, 1, 0)]


async def test_a_bad_search_is_reported_in_the_place_of_its_results(browser: Browser) -> None:
    answer = await browser.get("/", params={"q": "opera", "minPrice": "-1"})

    assert answer.status_code == 400
    shown = page(answer)
    assert alerts(shown.one("section", id="results")) == ["Price must be greater than 0"]
    assert shown.one("input", name_="q")["value"] == "opera"
    assert shown.one("input", name_="minPrice")["value"] == "-1"


async def test_a_price_range_that_holds_nothing_says_so(browser: Browser, apis: FakeApis) -> None:
    apis.sell("Concert", "5")

    answer = await browser.get("/", params={"minPrice": "10", "maxPrice": ""})

    assert "No tickets in this price range." in page(answer).one("main").text
    assert dict(apis.seen[-1].url.params) == {"minPrice": "10"}


async def test_the_sellers_details_of_the_event_are_shown(browser: Browser, apis: FakeApis) -> None:
    ticket = apis.sell("Concert", "20")
    ticket.event_date, ticket.venue, ticket.seat = "2027-05-31", "Great Hall, Ghent", "Row 3, 14"

    card = page(await browser.get("/")).one("li", cls="card")
    facts = page(await browser.get(f"/tickets/{ticket.id}")).one("dl", cls="facts")

    assert card.one("p", cls="where").text == "Mon, May 31, 2027 Great Hall, Ghent"
    assert [dd.text for dd in facts.all("dd")] == ["Mon, May 31, 2027", "Great Hall, Ghent", "Row 3, 14"]


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
    assert "Concert For sale $20.00" in shown.one("main").text
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
    form = page(answer).one("main").one("form")
    assert form.text == "Withdraw"
    assert (await browser.post(form["action"])).headers["location"] == "/listings"
    assert ticket.status == "withdrawn"
    assert (await browser.get(f"/tickets/{ticket.id}")).status_code == 404


async def test_a_held_ticket_can_not_be_withdrawn(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    apis.order(a_user(), ticket)

    answer = await as_user(seller).post(f"/tickets/{ticket.id}/withdraw")

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["Cannot withdraw a reserved or sold ticket"]


async def test_selling_a_ticket(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    offer = {"title": " Concert ", "price": "20.00", "eventDate": "2027-05-31", "venue": "Hall", "seat": ""}

    answer = await as_user(seller).post("/tickets/new", data=offer)

    (ticket,) = apis.tickets.values()
    assert (ticket.event_date, ticket.venue, ticket.seat) == ("2027-05-31", "Hall", None)
    assert (ticket.title, str(ticket.price), ticket.user_id) == ("Concert", "20.00", seller.id)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/tickets/{ticket.id}")


async def test_each_bad_field_has_its_message_and_keeps_its_input(as_user: As) -> None:
    answer = await as_user(a_user()).post("/tickets/new", data={"title": "", "price": "<free>"})

    assert answer.status_code == 400
    shown = page(answer)
    assert error_of(shown, "title") == "Enter a title"
    assert error_of(shown, "price") == "Price must be greater than 0"
    assert shown.one("input", name_="price")["value"] == "<free>"
    assert alerts(shown) == []


async def test_the_typed_input_survives_an_outage(as_user: As, apis: FakeApis) -> None:
    apis.failure = httpx.ConnectError("down")

    answer = await as_user(a_user()).post("/tickets/new", data={"title": "Concert", "price": "20"})

    assert answer.status_code == 503
    assert page(answer).one("input", name_="title")["value"] == "Concert"


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
    ticket.event_date = "2027-05-31"
    browser = as_user(seller)
    shown = page(await browser.get(f"/tickets/{ticket.id}/edit"))
    assert shown.one("input", name_="eventDate")["value"] == "2027-05-31"
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
        "withdrawn $20.00 Withdrawn",
        "sold $20.00 Sold",
        "held $20.00 Reserved",
        "available $20.00 For sale Edit Withdraw",
    ]
    assert rows[0].all("a") == []


async def test_listings_come_in_pages(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    for number in range(3):
        apis.sell(f"Number {number}", seller=seller.id)
    browser = as_user(seller)

    first = await browser.get("/listings?limit=2")
    second = await browser.get(links(first)["More listings"])

    assert [li.all("a")[0].text for li in page(second).one("ul", cls="rows").all("li")] == ["Number 0"]


async def test_listings_add_up_the_earnings_and_can_be_shown_by_state(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    for price, status in (("20", "sold"), ("19.99", "sold"), ("7", "available")):
        apis.sell(f"At {price}", price, seller.id).status = status
    browser = as_user(seller)

    first = await browser.get("/listings")
    sold = page(await browser.get(links(first)["Sold"]))

    sums = page(first).one("dl", cls="sums")
    assert [div.text for div in sums.all("div")] == [
        "Sold for $39.99",
        "For sale 1",
        "Reserved 0",
        "Sold 2",
        "Withdrawn 0",
    ]
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
