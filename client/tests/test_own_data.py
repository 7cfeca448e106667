"""The file of a member's own data."""

import httpx
from tests.conftest import As, Browser
from tests.dom import page
from tests.fake_apis import FakeApis

from common.testing.browser import a_user

ADA = {"email": "ada@example.test", "password": "a long password"}
TICKET = {"title": "Concert", "price": "20"}


async def test_the_account_page_links_the_file_which_has_every_page_of_every_service(
    browser: Browser,
) -> None:
    await browser.post("/auth/signup", data=ADA)
    for _ in range(3):
        await browser.post("/tickets/new", data=TICKET)

    (link,) = page(await browser.get("/account")).all("a", href="/account/data")
    answer = await browser.get(link["href"])

    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    file = answer.json()
    assert list(file) == ["account", "listings", "orders", "payments", "complete"]
    assert file["complete"] is True
    assert {record["collection"] for record in file["account"]} == {"users", "sessions"}
    assert [record["title"] for record in file["listings"]] == ["Concert"] * 3


async def test_a_failure_before_the_file_begins_is_a_page(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    apis.failure = httpx.ConnectError("away")

    answer = await browser.get("/account/data")

    assert answer.status_code == 503
    assert "content-disposition" not in answer.headers


async def test_a_file_that_is_cut_short_does_not_look_whole(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    for _ in range(3):
        await browser.post("/tickets/new", data=TICKET)
    apis.refuses_later_pages = True

    answer = await browser.get("/account/data")

    # In the test the cut answer has an end; a server closes the connection instead.
    assert answer.text.startswith("{")
    assert "complete" not in answer.text


async def test_a_visitor_is_sent_to_sign_in(browser: Browser) -> None:
    answer = await browser.get("/account/data")

    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/auth/signin")
