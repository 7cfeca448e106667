"""The pages' lines in the security log: they alone know the browser's address."""

import httpx
from fastapi import FastAPI
from tests.conftest import As, Browser
from tests.fake_apis import FakeApis

from common.base.errors import ErrorEntry
from common.base.ids import new_id
from common.http.rendering import error_response
from common.testing.browser import BASE_URL, a_user, signed_in
from common.testing.security import SecurityLines

ADDRESS = "203.0.113.9"


def refused(status: int, code: str) -> httpx.Response:
    answer = error_response(status, [ErrorEntry("No", code)])
    return httpx.Response(status, content=bytes(answer.body), headers={"Content-Type": "application/json"})


async def test_a_page_of_anothers_order_is_a_denial_with_the_browsers_address(
    app: FastAPI, apis: FakeApis, browser: Browser, security_lines: SecurityLines
) -> None:
    del browser
    user = a_user()
    for status, code in ((401, "not-authorized"), (404, "not-found")):
        apis.failure = refused(status, code)
        transport = httpx.ASGITransport(app, client=(ADDRESS, 1))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as other:
            answer = await other.get(f"/orders/{new_id()}", headers=signed_in(user))
        assert answer.status_code == status

    for line in security_lines.lines:
        assert (line["event"], line["client_address"], line["user_id"]) == ("authz_fail", ADDRESS, user.id)
        assert line["route"] == "/orders/{order_id}"
    assert [line["status"] for line in security_lines.lines] == [401, 404]


async def test_a_limit_that_an_api_reports_to_a_form_is_in_the_log(
    apis: FakeApis, as_user: As, security_lines: SecurityLines
) -> None:
    apis.failure = refused(429, "too-many-open-orders")

    await as_user(a_user()).post("/tickets/new", data={"title": "Opera", "price": "20"})

    assert security_lines.events == ["excess_limit_met"]


async def test_a_form_of_another_site_is_in_the_log(browser: Browser, security_lines: SecurityLines) -> None:
    await browser.post("/auth/signin", data={"email": "a@b.test"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert security_lines.events == ["malicious_cors"]


async def test_a_visitor_who_is_asked_to_sign_in_is_no_attack(
    browser: Browser, security_lines: SecurityLines
) -> None:
    for path in ("/orders", "/nope", f"/tickets/{new_id()}", "/tickets/nope"):
        await browser.get(path)

    assert security_lines.lines == []
