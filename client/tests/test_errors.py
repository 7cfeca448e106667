import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import links, page
from tests.fake_apis import FakeApis

from common.base.ids import new_id
from common.testing.browser import a_user


@pytest.mark.parametrize(
    "path", ["/nope", f"/tickets/{new_id()}", "/tickets/nope", "/static/nope.css", "/a/../b"]
)
async def test_an_unknown_address_is_a_404_page(browser: Browser, path: str) -> None:
    answer = await browser.get(path)

    assert answer.status_code == 404
    shown = page(answer)
    assert shown.one("h1").text == "Page not found"
    assert "could not find" in shown.one("ul", cls="messages").text
    assert links(answer)["See the tickets on sale"] == "/"


async def test_an_error_page_knows_who_is_signed_in(as_user: As) -> None:
    answer = await as_user(a_user()).get("/nope")

    assert "Sign Out" in page(answer).one("header").text
    assert answer.headers["cache-control"] == "no-store"


async def test_an_id_never_becomes_a_path_of_the_api(browser: Browser, apis: FakeApis) -> None:
    # Paths as ASGI servers pass them on; a well-behaved client would have resolved the dots.
    for path in ("%2e%2e", "%2e%2e%2fusers%2fcurrentuser", "a%3fb", "x%00"):
        assert (await browser.get(f"/tickets/{path}")).status_code == 404

    assert apis.seen == []


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.PoolTimeout("busy"),
        httpx.Response(503, json={"errors": [{"code": "unavailable", "message": "Service unavailable"}]}),
        httpx.Response(502, text="<html>bad gateway</html>"),
    ],
)
async def test_an_outage_is_a_friendly_503(
    browser: Browser, apis: FakeApis, failure: Exception | httpx.Response
) -> None:
    apis.failure = failure

    answer = await browser.get("/")

    assert answer.status_code == 503
    assert "try again in a moment" in page(answer).one("ul", cls="messages").text


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(500, json={"errors": [{"code": "internal-error", "message": "Something went wrong"}]}),
        httpx.Response(200, text="no JSON: secret internals"),
        RuntimeError("secret internals"),
    ],
)
async def test_a_fault_is_a_500_page_without_details(
    browser: Browser, apis: FakeApis, failure: Exception | httpx.Response
) -> None:
    apis.failure = failure

    answer = await browser.get("/")

    assert answer.status_code == 500
    assert page(answer).one("h1").text == "Something went wrong"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://other.gittix.test", "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(
    as_user: As, apis: FakeApis, headers: dict[str, str]
) -> None:
    ticket = apis.sell()

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", headers=headers)

    assert answer.status_code == 403
    assert "another site" in page(answer).one("ul", cls="messages").text
    assert apis.orders == {}


async def test_our_own_form_is_taken(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell()
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://gittix.test"}

    answer = await as_user(a_user()).post(
        f"/tickets/{ticket.id}/purchase", data={"price": "20"}, headers=headers
    )

    assert answer.status_code == 303


async def test_a_body_that_is_too_large_is_a_413_page(browser: Browser) -> None:
    answer = await browser.post("/auth/signin", data={"email": "x" * 1_000_000})

    assert answer.status_code == 413
    assert page(answer).one("h1").text == "Too much at once"


async def test_a_wrong_method_is_a_405_page(browser: Browser) -> None:
    answer = await browser.delete("/")

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    page(answer)


async def test_programs_still_get_json(browser: Browser) -> None:
    answer = await browser.get("/api/nope")

    assert (answer.status_code, answer.json()) == (
        404,
        {"errors": [{"code": "not-found", "message": "Not found"}]},
    )


async def test_a_page_of_an_error_keeps_the_requests_id(browser: Browser) -> None:
    assert (await browser.get("/nope", headers={"X-Request-Id": "abc"})).headers["x-request-id"] == "abc"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_needs_no_api(browser: Browser, apis: FakeApis, path: str) -> None:
    apis.failure = httpx.ConnectError("down")

    answer = await browser.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert apis.seen == []


async def test_metrics_name_routes_not_ids(browser: Browser) -> None:
    await browser.get(f"/tickets/{new_id()}")

    assert 'route="/tickets/{ticket_id}"' in (await browser.get("/metrics")).text
