"""Forms that are sent twice: by a double click on a slow line, by Back, or by a reload."""

import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import alerts, page
from tests.fake_apis import FakeApis

from common.base.money import Money
from common.testing.browser import SESSIONS, a_user

ADA = {"email": "ada@example.test", "password": "a long password"}


async def form_of(browser: Browser, path: str, **typed: str) -> dict[str, str]:
    """The fields of a page's form as it was rendered, with what is typed into it."""
    return fields(await browser.get(path)) | typed


def fields(answer: httpx.Response) -> dict[str, str]:
    form = page(answer).one("main").one("form")
    return {field["name"]: field.attributes.get("value") or "" for field in form.all("input")}


def alert(answer: httpx.Response) -> str:
    return page(answer).one("div", role="alert").text


# Sell


async def test_a_sell_form_that_is_sent_twice_lists_one_ticket(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    form = await form_of(browser, "/tickets/new", title="Concert", price="20")

    answers = [await browser.post("/tickets/new", data=form) for _ in range(2)]

    (ticket,) = apis.tickets.values()
    assert [answer.headers["location"] for answer in answers] == [f"/tickets/{ticket.id}"] * 2


async def test_each_sell_form_has_a_key_of_its_own(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    for _ in range(2):
        form = await form_of(browser, "/tickets/new", title="Concert", price="20")
        await browser.post("/tickets/new", data=form)

    assert len(apis.tickets) == 2


async def test_a_sell_form_that_is_corrected_after_a_refusal_lists(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    form = await form_of(browser, "/tickets/new", title="", price="20")

    refused = await browser.post("/tickets/new", data=form)
    answer = await browser.post("/tickets/new", data=fields(refused) | {"title": "Concert"})

    assert answer.status_code == 303
    assert len(apis.tickets) == 1


async def test_a_sell_form_whose_answer_was_lost_can_be_sent_again(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    form = await form_of(browser, "/tickets/new", title="Concert", price="20")
    apis.failure = httpx.ReadTimeout("slow")
    lost = await browser.post("/tickets/new", data=form)
    apis.failure = None

    for sent in (form, fields(lost)):
        assert (await browser.post("/tickets/new", data=sent)).status_code == 303

    assert lost.status_code == 503
    assert len(apis.tickets) == 1


async def test_a_sent_sell_form_with_another_text_shows_the_listing_and_keeps_the_text(
    as_user: As, apis: FakeApis
) -> None:
    browser = as_user(a_user())
    form = await form_of(browser, "/tickets/new", title="Concert", price="20")
    await browser.post("/tickets/new", data=form)
    (first,) = apis.tickets.values()

    answer = await browser.post("/tickets/new", data=form | {"title": "Opera"})

    assert answer.status_code == 422
    assert "With this form you have listed a ticket already: Concert ($20.00)." in alert(answer)
    linked = [link["href"] for link in page(answer).one("div", role="alert").all("a")]
    assert linked == [f"/tickets/{first.id}", f"/tickets/{first.id}/edit"]
    assert fields(answer)["title"] == "Opera"
    assert len(apis.tickets) == 1
    await browser.post("/tickets/new", data=fields(answer))
    assert sorted(ticket.title for ticket in apis.tickets.values()) == ["Concert", "Opera"]


@pytest.mark.parametrize("path", ["/tickets/new", "/auth/signup"])
async def test_a_key_that_is_none_is_no_fault(as_user: As, path: str) -> None:
    for key in ("a b", "x" * 65, "a\r\nX-Other: 1", "é"):
        answer = await as_user(a_user()).post(path, data={"key": key})
        assert answer.status_code == 400


async def test_a_form_of_the_last_release_without_a_key_is_taken(as_user: As, apis: FakeApis) -> None:
    answer = await as_user(a_user()).post("/tickets/new", data={"title": "Concert", "price": "20"})

    assert answer.status_code == 303
    assert len(apis.tickets) == 1


# Purchase


async def test_a_purchase_that_is_sent_twice_orders_once(as_user: As, apis: FakeApis) -> None:
    browser, ticket = as_user(a_user()), apis.sell()
    form = await form_of(browser, f"/tickets/{ticket.id}")

    answers = [await browser.post(f"/tickets/{ticket.id}/purchase", data=form) for _ in range(2)]

    (order,) = apis.orders.values()
    assert [answer.headers["location"] for answer in answers] == [f"/orders/{order.id}"] * 2
    assert len(apis.calls("GET", "/api/orders")) == 0


async def test_a_purchase_of_the_same_page_state_has_the_same_key_in_every_tab(
    as_user: As, apis: FakeApis
) -> None:
    """So a live update that changes nothing of the form leaves the keyboard where it is."""
    browser, ticket = as_user(a_user()), apis.sell()
    path = f"/tickets/{ticket.id}"

    first, second = await form_of(browser, path), await form_of(browser, path)
    ticket.change(price=Money(2500))

    assert first == second
    assert (await form_of(browser, path))["key"] != first["key"]


async def test_a_ticket_can_be_bought_again_after_its_order_was_cancelled(
    as_user: As, apis: FakeApis
) -> None:
    browser, ticket = as_user(a_user()), apis.sell()
    for _ in range(2):
        form = await form_of(browser, f"/tickets/{ticket.id}")
        order = (await browser.post(f"/tickets/{ticket.id}/purchase", data=form)).headers["location"]
        await browser.post(f"{order}/cancel")

    assert len(apis.orders) == 2


# Sign up


async def test_a_sign_up_that_is_sent_twice_ends_signed_in_both_times(
    browser: Browser, apis: FakeApis
) -> None:
    form = await form_of(browser, "/auth/signup", **ADA)

    for _ in range(2):
        browser.cookies.clear()
        answer = await browser.post("/auth/signup", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert SESSIONS.read(browser.cookies[SESSIONS.cookie]) is not None
    assert len(apis.users) == 1


async def test_a_sent_sign_up_form_with_another_email_says_so_and_can_be_sent_once_more(
    browser: Browser, apis: FakeApis
) -> None:
    form = await form_of(browser, "/auth/signup", **ADA)
    await browser.post("/auth/signup", data=form)
    browser.cookies.clear()

    answer = await browser.post("/auth/signup", data=form | {"email": "bob@example.test"})

    assert answer.status_code == 422
    assert alerts(page(answer)) == [
        "This form was sent before, with something else in it. Send it once more if you mean both."
    ]
    again = fields(answer) | {"password": ADA["password"]}
    assert (again["email"], len(apis.users)) == ("bob@example.test", 1)
    assert (await browser.post("/auth/signup", data=again)).status_code == 303


# Edit


async def test_an_edit_that_is_sent_twice_is_one_change(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    browser, ticket = as_user(seller), apis.sell(seller=seller.id)
    path = f"/tickets/{ticket.id}/edit"
    form = await form_of(browser, path, price="25")

    answers = [await browser.post(path, data=form) for _ in range(2)]

    assert [answer.headers["location"] for answer in answers] == [f"/tickets/{ticket.id}"] * 2
    assert ticket.version == 1


async def test_a_form_that_is_older_than_the_listing_is_told_so_and_keeps_its_text(
    as_user: As, apis: FakeApis
) -> None:
    seller = a_user()
    browser, ticket = as_user(seller), apis.sell("Concert", "20", seller=seller.id)
    path = f"/tickets/{ticket.id}/edit"
    stale = await form_of(browser, path, title="Opera")
    await browser.post(path, data=await form_of(browser, path, price="25"))

    answer = await browser.post(path, data=stale)

    assert answer.status_code == 412
    assert "It is now: Concert ($25.00)." in alert(answer)
    assert (fields(answer)["title"], fields(answer)["price"]) == ("Opera", "20.00")
    assert (ticket.title, ticket.price.cents) == ("Concert", 2500)
    await browser.post(path, data=fields(answer))
    assert (ticket.title, ticket.price.cents) == ("Opera", 2000)


async def test_a_refused_edit_stays_a_form_of_the_version_that_it_began_with(
    as_user: As, apis: FakeApis
) -> None:
    seller = a_user()
    browser, ticket = as_user(seller), apis.sell(seller=seller.id)
    path = f"/tickets/{ticket.id}/edit"
    form = await form_of(browser, path, price="")
    ticket.change(price=Money(2500))

    refused = await browser.post(path, data=form)

    assert refused.status_code == 400
    assert (await browser.post(path, data=fields(refused) | {"price": "21"})).status_code == 412


@pytest.mark.parametrize("version", ["x", "-1", "1" * 16, "1\r\nX-Other: 1"])
async def test_a_version_that_is_none_is_no_fault(as_user: As, apis: FakeApis, version: str) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    form = {"title": "Opera", "price": "20", "version": version}

    assert (await as_user(seller).post(f"/tickets/{ticket.id}/edit", data=form)).status_code == 400
    assert ticket.title == "Concert"
