"""A listing is withdrawn, after a question, and put back on sale."""

import pytest
from tests.conftest import As, Browser
from tests.dom import Element, alerts, page
from tests.fake_apis import FakeApis

from common.testing.browser import a_user, signed_in

SEEN = {"price": "20.00"}


def rows(shown: Element) -> list[str]:
    return [row.text for row in shown.one("ul", cls="rows").all("li")]


async def test_withdrawing_asks_first_and_shows_what_it_is_about(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell("Opera", "12.50", seller.id)
    browser = as_user(seller)

    asked = page(await browser.get(f"/tickets/{ticket.id}/withdraw"))

    assert asked.one("h1").text == "Withdraw this ticket?"
    assert "Opera $12.50" in asked.one("main").text
    assert [a["href"] for a in asked.one("main").all("a")] == [f"/tickets/{ticket.id}"]
    assert ticket.status == "available"
    answer = await browser.post(asked.one("main").one("form")["action"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/listings")
    assert ticket.status == "withdrawn"


async def test_a_withdrawal_that_is_sent_twice_ends_the_same(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    for _ in range(2):
        answer = await as_user(seller).post(f"/tickets/{ticket.id}/withdraw")
        assert (answer.status_code, answer.headers["location"]) == (303, "/listings")
    assert ticket.version == 1


@pytest.mark.parametrize("status", ["held", "sold", "withdrawn"])
async def test_what_can_not_be_withdrawn_is_not_asked_about(as_user: As, apis: FakeApis, status: str) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    ticket.status = status

    answer = await as_user(seller).get(f"/tickets/{ticket.id}/withdraw")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/tickets/{ticket.id}")


async def test_only_its_seller_is_asked(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell()

    assert (await as_user(a_user()).get(f"/tickets/{ticket.id}/withdraw")).status_code == 401


async def test_no_list_withdraws_by_itself(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    shown = page(await as_user(seller).get("/listings"))

    assert shown.one("main").all("form") == []
    assert [a.text for a in shown.all("a", href=f"/tickets/{ticket.id}/withdraw")] == ["Withdraw"]


async def test_a_withdrawn_listing_stays_in_its_row_and_the_message_moves_none(
    as_user: As, apis: FakeApis
) -> None:
    seller = a_user()
    tickets = [apis.sell(f"Number {number}", seller=seller.id) for number in range(3)]
    browser = as_user(seller)

    answer = await browser.post(f"/tickets/{tickets[1].id}/withdraw")
    cookies = f"{signed_in(seller)['Cookie']}; {answer.headers['set-cookie'].partition(';')[0]}"
    shown = page(await browser.get("/listings", headers={"Cookie": cookies}))

    assert rows(shown)[1] == "Number 1 $20.00 Withdrawn Put back on sale"
    texts = shown.one("main").text
    assert texts.index("Number 0") < texts.index("Your ticket is withdrawn. Nobody can buy it any more.")


async def test_its_seller_sees_a_withdrawn_listing_with_the_way_back(as_user: As, apis: FakeApis) -> None:
    """Without a live stream: it would say that the ticket is gone, and the page would reload for ever."""
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    ticket.status = "withdrawn"
    browser = as_user(seller)

    answer = await browser.get(f"/tickets/{ticket.id}")

    shown = page(answer)
    assert answer.status_code == 200
    assert shown.one("span", cls="badge").text == "Withdrawn"
    assert "data-live" not in shown.one("div", id="state")
    again = await browser.post(shown.one("main").one("form")["action"])
    assert again.headers["location"] == f"/tickets/{ticket.id}"
    assert ticket.status == "available"
    assert again.headers["set-cookie"].startswith("flash=relisted;")


@pytest.mark.parametrize("path", ["", "/purchase"])
async def test_others_read_that_its_seller_has_withdrawn_it(as_user: As, apis: FakeApis, path: str) -> None:
    ticket = apis.sell()
    ticket.status = "withdrawn"

    answer = await as_user(a_user()).request(
        "POST" if path else "GET", f"/tickets/{ticket.id}{path}", data=SEEN
    )

    assert answer.status_code == 404
    assert "Its seller has withdrawn this ticket." in page(answer).one("main").text


async def test_a_listing_that_is_put_back_twice_in_the_list_ends_in_the_list(
    as_user: As, apis: FakeApis
) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    ticket.status = "withdrawn"
    browser = as_user(seller)
    form = page(await browser.get("/listings")).one("main").one("form")

    for _ in range(2):
        answer = await browser.post(form["action"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/listings")

    assert ticket.version == 1
    assert rows(page(await browser.get("/listings"))) == ["Concert $20.00 For sale Edit Withdraw"]


async def test_a_relisting_leads_to_no_other_site(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    answer = await as_user(seller).post(f"/tickets/{ticket.id}/relist?next=//evil.test")

    assert answer.headers["location"] == "/"


async def test_the_address_of_a_refused_relisting_leads_back(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell()

    refused = await as_user(a_user()).post(f"/tickets/{ticket.id}/relist")
    answer = await as_user(a_user()).get(f"/tickets/{ticket.id}/relist")

    assert refused.status_code == 401
    assert answer.headers["location"] == f"/tickets/{ticket.id}"


async def test_a_stranger_signs_in_and_is_then_asked(browser: Browser, apis: FakeApis) -> None:
    ticket = apis.sell()

    answer = await browser.post(f"/tickets/{ticket.id}/withdraw")

    assert answer.headers["location"] == f"/auth/signin?next=%2Ftickets%2F{ticket.id}%2Fwithdraw"
    assert alerts(page(await browser.get("/"))) == []
