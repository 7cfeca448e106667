import pytest
from tests.conftest import Browser


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("/orders/", "/orders"),
        ("/tickets/new/", "/tickets/new"),
        ("/auth/signin/", "/auth/signin"),
        ("/auth/signin//", "/auth/signin"),
        ("/auth/signin/?next=%2Forders", "/auth/signin?next=%2Forders"),
        ("/tickets/%E2%82%AC/", "/tickets/%E2%82%AC"),
    ],
)
async def test_a_slash_too_many_leads_to_the_page(browser: Browser, typed: str, page: str) -> None:
    for answer in (await browser.get(typed), await browser.head(typed)):
        assert (answer.status_code, answer.headers["location"]) == (308, page)


@pytest.mark.parametrize(
    "typed",
    [
        "/nowhere/",
        "/static/",
        "/static/style.css/",
        "/%2fevil.test/",
        "/%5cevil.test/",
        "/orders%2F",
        "/api/x/",
    ],
)
async def test_where_there_is_no_page_a_slash_leads_nowhere(browser: Browser, typed: str) -> None:
    assert (await browser.get(typed)).status_code == 404


@pytest.mark.parametrize(
    "typed", ["//evil.test/", "///evil.test/", "//evil.test/orders/", "/\\evil.test/", "//", "//orders/"]
)
async def test_a_slash_leads_to_no_other_site(browser: Browser, typed: str) -> None:
    answer = await browser.get(f"http://gittix.test{typed}")

    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_a_form_is_sent_to_its_own_address_alone(browser: Browser) -> None:
    assert (await browser.post("/auth/signin/", data={})).status_code == 404
