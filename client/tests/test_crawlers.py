"""Addresses for programs: robots, the site map, icons, and what a page tells of itself."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from tests.conftest import SETTINGS, As, Browser
from tests.dom import Element, page
from tests.fake_apis import FakeApis

from client.settings import Settings
from client.sitemap import MAX_TICKETS, SECONDS
from common.testing.browser import BASE_URL, a_user

LOCATION = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def locations(answer: httpx.Response) -> list[str]:
    return [str(element.text) for element in ElementTree.fromstring(answer.text).iter(LOCATION)]


def meta_of(root: Element, name: str) -> str:
    """The value of a `<meta>`."""
    metas = [
        meta
        for meta in root.all("meta")
        if name in (meta.attributes.get("property"), meta.attributes.get("name"))
    ]
    assert len(metas) == 1, name
    return metas[0]["content"]


async def test_robots_are_kept_from_what_belongs_to_members_and_led_to_the_site_map(browser: Browser) -> None:
    answer = await browser.get("/robots.txt")

    lines = answer.text.splitlines()
    assert lines[0] == "User-agent: *"
    assert {"Disallow: /orders", "Disallow: /api/", "Disallow: /auth/"} <= set(lines)
    assert lines[-1] == f"Sitemap: {BASE_URL}/sitemap.xml"
    assert answer.headers["content-type"].startswith("text/plain")


async def test_who_finds_a_weakness_is_told_whom_to_tell(app: FastAPI, browser: Browser) -> None:
    app.state.security_contact = "mailto:security@gittix.test"

    answer = await browser.get("/.well-known/security.txt")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:security@gittix.test"
    assert fields["Canonical"] == f"{BASE_URL}/.well-known/security.txt"
    expires = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=30) < expires < timedelta(days=365)


async def test_without_a_contact_there_is_no_such_file(browser: Browser) -> None:
    assert (await browser.get("/.well-known/security.txt")).status_code == 404


@pytest.mark.parametrize(
    "contact", ["security@gittix.test", "http://x.test", "mailto:a@b.test\nPolicy: x", " "]
)
def test_a_contact_of_another_form_is_refused(contact: str) -> None:
    with pytest.raises(ValidationError, match="mailto"):
        Settings.model_validate({**SETTINGS.model_dump(), "security_contact": contact})


async def test_the_site_map_names_the_public_pages(browser: Browser, apis: FakeApis) -> None:
    first, second = apis.sell(), apis.sell()
    apis.sell().status = "withdrawn"

    answer = await browser.get("/sitemap.xml")

    assert answer.headers["content-type"] == "application/xml"
    assert locations(answer) == [
        f"{BASE_URL}/",
        f"{BASE_URL}/help",
        f"{BASE_URL}/terms",
        f"{BASE_URL}/privacy",
        f"{BASE_URL}/tickets/{second.id}",
        f"{BASE_URL}/tickets/{first.id}",
    ]


async def test_the_site_map_is_bounded_and_asks_the_api_once_in_a_while(
    browser: Browser, apis: FakeApis
) -> None:
    for _ in range(MAX_TICKETS + 1):
        apis.sell()

    answers = await asyncio.gather(*(browser.get("/sitemap.xml") for _ in range(3)))
    calls = len(apis.calls("GET", "/api/tickets"))
    await asyncio.sleep(SECONDS)
    await browser.get("/sitemap.xml")

    assert [len(locations(answer)) for answer in answers] == [MAX_TICKETS + 4] * 3
    assert (calls, len(apis.calls("GET", "/api/tickets"))) == (5, 10)


async def test_a_site_map_without_the_api_is_an_outage(browser: Browser, apis: FakeApis) -> None:
    apis.failure = httpx.ConnectError("down")

    assert (await browser.get("/sitemap.xml")).status_code == 503


@pytest.mark.parametrize(
    ("path", "media_type", "begins"),
    [
        ("/favicon.ico", "image/vnd.microsoft.icon", b"\0\0\1\0"),
        ("/apple-touch-icon.png", "image/png", b"\x89PNG"),
        ("/apple-touch-icon-precomposed.png", "image/png", b"\x89PNG"),
    ],
)
async def test_icons_are_at_the_addresses_that_browsers_ask_for(
    browser: Browser, path: str, media_type: str, begins: bytes
) -> None:
    answer = await browser.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(begins)


async def test_a_link_to_a_ticket_shows_its_title_day_place_and_price(
    browser: Browser, apis: FakeApis
) -> None:
    ticket = apis.sell("Figaro & “friends”", "1234.5")
    ticket.event_date, ticket.venue, ticket.seat = "2027-05-31", "Great Hall, Ghent", "Row 3"

    root = page(await browser.get(f"/tickets/{ticket.id}?q=figaro"))

    address = f"{BASE_URL}/tickets/{ticket.id}"
    assert root.one("link", rel="canonical")["href"] == address
    assert meta_of(root, "og:url") == address
    assert meta_of(root, "og:title") == "Figaro & “friends”"
    assert meta_of(root, "og:site_name") == "GitTix"
    assert meta_of(root, "og:type") == "website"
    assert meta_of(root, "description") == "Mon, May 31, 2027 · Great Hall, Ghent · Row 3 · $1,234.50"
    assert meta_of(root, "og:description") == meta_of(root, "description")
    assert meta_of(root, "og:image").startswith(f"{BASE_URL}/static/icons/touch.png")


@pytest.mark.parametrize(
    ("status", "availability"), [("available", "InStock"), ("held", "Reserved"), ("sold", "SoldOut")]
)
async def test_search_engines_get_the_event_and_its_offer(
    browser: Browser, apis: FakeApis, status: str, availability: str
) -> None:
    ticket = apis.sell("Figaro", "20")
    ticket.event_date, ticket.venue, ticket.status = "2027-05-31", "Great Hall, Ghent", status

    data = page(await browser.get(f"/tickets/{ticket.id}")).one("script", type="application/ld+json")

    assert json.loads(data.text) == {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": "Figaro",
        "startDate": "2027-05-31",
        "location": {"@type": "Place", "name": "Great Hall, Ghent", "address": "Great Hall, Ghent"},
        "offers": {
            "@type": "Offer",
            "url": f"{BASE_URL}/tickets/{ticket.id}",
            "price": "20.00",
            "priceCurrency": "USD",
            "availability": f"https://schema.org/{availability}",
        },
    }


async def test_data_for_search_engines_can_not_end_its_script(browser: Browser, apis: FakeApis) -> None:
    evil = "</script><script>alert(1)</script><!-- & '"
    ticket = apis.sell(evil)
    ticket.event_date = "2027-05-31"

    answer = await browser.get(f"/tickets/{ticket.id}")

    assert answer.text.count("</script>") == 2
    assert json.loads(page(answer).one("script", type="application/ld+json").text)["name"] == evil


async def test_a_ticket_without_a_day_is_no_event(browser: Browser, apis: FakeApis) -> None:
    root = page(await browser.get(f"/tickets/{apis.sell().id}"))

    assert root.all("script", type="application/ld+json") == []


async def test_only_public_pages_are_for_search_engines(as_user: As, browser: Browser) -> None:
    assert page(await browser.get("/")).one("link", rel="canonical")["href"] == f"{BASE_URL}/"
    assert meta_of(page(await browser.get("/?q=opera")), "robots") == "noindex, follow"
    assert meta_of(page(await browser.get("/auth/signin")), "robots") == "noindex"
    assert meta_of(page(await browser.get("/nope")), "robots") == "noindex"
    assert meta_of(page(await as_user(a_user()).get("/orders")), "robots") == "noindex"
