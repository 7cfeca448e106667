"""What was typed survives a session's end, a guest's sign-in and a change of language; a link never acts."""

from collections.abc import Mapping

import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import Element, alerts, page
from tests.fake_apis import FakeApis, Ticket

from client.drafts import MOST_CHARACTERS, Draft, cookies_after
from common.base.ids import new_id
from common.base.money import Money
from common.testing.browser import SESSIONS, a_user, signed_in

ADA = {"email": "ada@example.test", "password": "a long password"}
SALE = {
    "title": "周杰伦 <i>",
    "price": "20,5x",
    "eventDate": "2087-05-31",
    "venue": "Hall",
    "seat": "A 7",
    "key": "k",
}


def fields(form: Element) -> dict[str, str]:
    """Fields of a form as a browser sends them, without those of its buttons."""
    return {one["name"]: one["value"] for one in form.all("input") if one["type"] != "password"}


def entry_form(answer: httpx.Response, action: str = "/auth/signin") -> dict[str, str]:
    return fields(page(answer).one("main").one("form", cls="wide", action=action))


def typed(answer: httpx.Response) -> dict[str, str]:
    return {name: page(answer).one("input", id=name)["value"] for name in SALE if name != "key"}


async def a_member(browser: Browser) -> None:
    """Signs up, and forgets the session."""
    await browser.post("/auth/signup", data=ADA)
    browser.cookies.clear()


@pytest.mark.parametrize("headers", [{}, {"Cookie": f"{SESSIONS.cookie}=expired"}])
async def test_a_form_for_sale_is_there_again_after_signing_in(
    browser: Browser, apis: FakeApis, headers: Mapping[str, str]
) -> None:
    await a_member(browser)

    refused = await browser.post("/tickets/new", data=SALE, headers=headers)
    shown = await browser.post("/auth/signin", data={**entry_form(refused), **ADA})

    assert refused.status_code == 401
    assert "what you typed is kept" in page(refused).one("p", cls="flash").text.lower()
    assert apis.calls("POST", "/api/tickets") == []
    assert shown.status_code == 200
    assert typed(shown) == {name: value for name, value in SALE.items() if name != "key"}
    assert SESSIONS.read(browser.cookies[SESSIONS.cookie]) is not None
    assert shown.headers["cache-control"] == "no-store"
    assert "Sign Out" in page(shown).one("header").text
    again = await browser.post("/tickets/new", data=SALE | {"price": "20"})
    assert again.headers["location"].startswith("/tickets/")


async def test_a_wrong_password_meanwhile_loses_nothing(browser: Browser) -> None:
    await a_member(browser)
    refused = await browser.post("/tickets/new", data=SALE)

    wrong = await browser.post("/auth/signin", data={**entry_form(refused), **ADA, "password": "wrong words"})
    shown = await browser.post("/auth/signin", data={**entry_form(wrong), **ADA})

    assert typed(shown)["title"] == SALE["title"]


async def test_an_edit_is_there_again_for_the_seller_and_for_no_other(
    browser: Browser, apis: FakeApis
) -> None:
    await a_member(browser)
    ada, _ = apis.users[ADA["email"]]
    ticket, other = apis.sell(seller=ada.id), apis.sell("Another's")

    answers = []
    for one in (ticket, other):
        browser.cookies.clear()
        refused = await browser.post(f"/tickets/{one.id}/edit", data=SALE)
        answers.append(await browser.post("/auth/signin", data={**entry_form(refused), **ADA}))

    assert [answer.status_code for answer in answers] == [200, 401]
    assert typed(answers[0])["title"] == SALE["title"]
    assert "Another's" not in answers[1].text
    assert apis.calls("PUT", f"/api/tickets/{ticket.id}") == []


async def guest_buys(browser: Browser, ticket: Ticket, price: str = "20") -> httpx.Response:
    return await browser.post(f"/tickets/{ticket.id}/purchase", data={"price": price})


@pytest.mark.parametrize("action", ["/auth/signin", "/auth/signup"])
async def test_a_guests_purchase_goes_on_after_signing_in_or_up(
    browser: Browser, apis: FakeApis, action: str
) -> None:
    if action == "/auth/signin":
        await a_member(browser)
    ticket = apis.sell()

    refused = await guest_buys(browser, ticket)
    assert "your purchase goes on" in page(refused).one("p", cls="flash").text
    if action == "/auth/signup":
        instead = page(refused).one("main").one("form", action=action)
        refused = await browser.post(action, data={**fields(instead), "show": "form"})
        assert refused.status_code == 200
    answer = await browser.post(action, data={**entry_form(refused, action), **ADA})

    (order,) = apis.orders.values()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order.id}")
    assert order.user_id == apis.users[ADA["email"]][0].id
    assert (await browser.get(answer.headers["location"])).status_code == 200


async def test_a_guests_purchase_that_is_not_possible_says_why_on_the_tickets_page(
    browser: Browser, apis: FakeApis
) -> None:
    await a_member(browser)
    changed, taken = apis.sell(price="20"), apis.sell()
    first, second = await guest_buys(browser, changed), await guest_buys(browser, taken)
    changed.change(price=Money.parse("40"))
    apis.order(a_user(), taken)

    answers = [
        await browser.post("/auth/signin", data={**entry_form(refused), **ADA}) for refused in (first, second)
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    (said,) = page(answers[0]).one("main").all("p", role="alert")
    assert said.text == "The price was $20.00 when you looked, and is $40.00 now."
    assert alerts(page(answers[1])) == ["Ticket is already reserved"]
    assert len(apis.orders) == 1


async def test_a_link_buys_nothing(browser: Browser, apis: FakeApis) -> None:
    await a_member(browser)
    path = f"/tickets/{apis.sell().id}/purchase"
    query = {"next": path, "draft": path, "kept.price": "20"}

    form = entry_form(await browser.get("/auth/signin", params=query))
    answer = await browser.post("/auth/signin", data={**form, **ADA})

    assert form == {"next": path, "email": ""}
    assert apis.orders == {}
    assert answer.status_code == 303
    browser.cookies.clear()
    crossing = {"Sec-Fetch-Site": "cross-site"}
    assert (await browser.post(path, data={"price": "20"}, headers=crossing)).status_code == 403
    assert (await browser.post("/auth/signin", data=query | ADA, headers=crossing)).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["//evil.test", "/orders/" + new_id() + "/pay", "/tickets/x/purchase", "/auth/signout", "/language", ""],
)
async def test_no_other_form_is_carried(browser: Browser, path: str) -> None:
    await a_member(browser)

    answer = await browser.post("/auth/signin", data={"draft": path, "kept.token": "x", **ADA})

    assert Draft.of(path, {}) is None
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_the_secrets_of_a_form_and_too_long_ones_are_not_carried() -> None:
    kept = Draft.of("/auth/signin", ADA | {"token": "tok_visa"})

    assert kept is not None
    assert kept.fields == {"email": ADA["email"]}
    assert Draft.of("/tickets/new", {"title": "x" * MOST_CHARACTERS}) is None
    assert Draft.of("/tickets/new", {str(number): "" for number in range(31)}) is None


async def test_a_form_that_can_not_be_kept_leads_to_the_sign_in_page(browser: Browser) -> None:
    answers = [
        await browser.post("/tickets/new", data={"title": "x" * MOST_CHARACTERS}),
        await browser.post("/tickets/new", json={"title": "x"}),
    ]

    for answer in answers:
        assert (answer.status_code, answer.headers["location"]) == (303, "/auth/signin?next=%2Ftickets%2Fnew")


# The language switch


async def switch(browser: Browser, shown: httpx.Response) -> httpx.Response:
    """Presses the switch of a page to Chinese."""
    footer = page(shown).one("footer").one("form")
    button = footer.one("button", value="zh")
    form = footer
    if "form" in button:
        form = page(shown).one("form", id=button["form"])
    action = button["formaction"] if "formaction" in button else form["action"]
    return await browser.post(action, data={**fields(form), "language": "zh"})


async def test_a_refused_sign_in_keeps_the_mail_and_the_way_on_in_another_language(browser: Browser) -> None:
    wrong = await browser.post("/auth/signin", data={**ADA, "next": "/orders?limit=3"})

    shown = await switch(browser, wrong)

    assert page(shown).one("h1").text == "登录"
    assert entry_form(shown) == {"next": "/orders?limit=3", "email": ADA["email"]}
    assert ADA["password"] not in wrong.text + shown.text
    assert browser.cookies["language"] == "zh"


async def test_a_guests_purchase_goes_on_in_another_language(browser: Browser, apis: FakeApis) -> None:
    await a_member(browser)
    refused = await guest_buys(browser, apis.sell())

    shown = await switch(browser, refused)
    answer = await browser.post("/auth/signin", data={**entry_form(shown), **ADA})

    assert apis.orders.keys() == {answer.headers["location"].removeprefix("/orders/")}


@pytest.mark.parametrize("status", [200, 400])
async def test_a_half_filled_form_is_the_same_in_another_language(
    as_user: As, apis: FakeApis, status: int
) -> None:
    browser = as_user(a_user())
    shown = await (browser.get("/tickets/new") if status == 200 else browser.post("/tickets/new", data=SALE))
    button = page(shown).one("footer").one("button", value="zh")
    assert (shown.status_code, button["form"]) == (status, page(shown).one("main").one("form")["id"])

    answer = await browser.post(button["formaction"], data=SALE | {"language": "zh"})

    assert page(answer).one("html")["lang"] == "zh-Hans"
    assert typed(answer) == {name: value for name, value in SALE.items() if name != "key"}
    assert apis.tickets == {}
    back = await browser.get(button["formaction"])
    assert (back.status_code, back.headers["location"]) == (303, "/tickets/new")


async def test_a_form_whose_session_ended_before_the_switch_survives_both(browser: Browser) -> None:
    await a_member(browser)

    switched = await browser.post("/language?draft=/tickets/new", data=SALE | {"language": "zh"})
    shown = await browser.post("/auth/signin", data={**entry_form(switched), **ADA})

    assert page(switched).one("h1").text == "登录"
    assert typed(shown)["title"] == SALE["title"]


async def test_the_switch_sends_no_form(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    path = f"/tickets/{apis.sell().id}/purchase"

    answer = await browser.post("/language", data={"language": "zh", "draft": path, "kept.price": "20"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert apis.orders == {}


async def test_a_long_chinese_search_is_kept_in_another_language(browser: Browser) -> None:
    shown = await browser.get("/", params={"q": "周杰伦演唱会" * 10})

    answer = await switch(browser, shown)

    assert httpx.URL(answer.headers["location"]).params["q"] == "周杰伦演唱会" * 10


# Cookies


async def test_a_browser_that_keeps_no_cookies_is_told_so(browser: Browser, apis: FakeApis) -> None:
    await a_member(browser)
    browser.headers["Sec-Fetch-Site"] = "same-origin"
    form = entry_form(await browser.get("/auth/signin?next=/orders"))
    browser.cookies.clear()

    blocked = await browser.post("/auth/signin", data=form | ADA)
    kept = await browser.post("/auth/signin", data=form | ADA)

    assert blocked.status_code == 400
    assert "keeps no cookies" in alerts(page(blocked))[0]
    assert entry_form(blocked) == {"next": "/orders", "email": ADA["email"]}
    assert (kept.status_code, kept.headers["location"]) == (303, "/orders")
    assert len(apis.calls("POST", "/api/users/signin")) == 1


def test_the_cookies_after_a_sign_in_are_the_browsers() -> None:
    before = {"language": "zh", "session": "old"}
    session = signed_in(a_user())["Cookie"]

    after = cookies_after(before, [f"{session}; HttpOnly; Path=/; SameSite=lax", "\x00;;"])

    assert after == f"language=zh; {session}"
