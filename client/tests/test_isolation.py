"""People's words turn nothing around them: each stands in `<bdi>`, in `dir="auto"`, or between isolates."""

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.conftest import As
from tests.dom import Element, page
from tests.fake_apis import FakeApis, Ticket

from common.base.identity import CurrentUser
from common.testing.browser import a_user

MARK = "\u05d4\u05d5\u05e4\u05e2\u05d4"
"""The begin of each of the words: Hebrew."""
WORDS = re.compile(f"{MARK}-[a-z]+!")
ISOLATED = re.compile(f"\u2068{WORDS.pattern}\u2069")
ATTRIBUTES = frozenset({"aria-label", "title", "alt", "placeholder", "data-title"})


@pytest.fixture
def seller(apis: FakeApis) -> CurrentUser:
    return known(apis, f"{MARK}-seller!")


@pytest.fixture
def buyer(apis: FakeApis) -> CurrentUser:
    return known(apis, f"{MARK}-buyer!")


def known(apis: FakeApis, email: str) -> CurrentUser:
    user = a_user()
    apis.emails[user.id] = email
    return user


def spoken(apis: FakeApis, seller: CurrentUser) -> Ticket:
    ticket = apis.sell(f"{MARK}-title!", seller=seller.id)
    ticket.venue, ticket.seat, ticket.event_date = f"{MARK}-venue!", f"{MARK}-seat!", "2087-05-31"
    return ticket


def bare(element: Element, isolated: bool = False) -> Iterator[str]:
    """The people's words in an element that are isolated by nothing."""
    isolated = isolated or element.tag == "bdi" or element.attributes.get("dir") == "auto"
    for name in ATTRIBUTES & element.attributes.keys():
        yield from WORDS.findall(ISOLATED.sub("", element[name]))
    if element.tag == "input" and element.attributes.get("type") != "hidden" and not isolated:
        yield from WORDS.findall(element.attributes.get("value") or "")
    for child in element.children:
        if isinstance(child, Element):
            yield from bare(child, isolated)
        elif not isolated:
            yield from WORDS.findall(ISOLATED.sub("", child))


async def shown(answer: httpx.Response, *words: str) -> list[str]:
    """Words without isolation on the page; fails unless the page has `words` at all."""
    for word in words:
        assert f"{MARK}-{word}!" in answer.text
    return list(bare(page(answer)))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", ("title", "venue")),
        (f"/?q={MARK}-nothing!", ("nothing", "seller")),
        ("/tickets/{ticket}", ("title", "venue", "seat")),
        ("/tickets/{ticket}/edit", ("title", "venue", "seat")),
        ("/listings", ("title", "venue", "seller")),
        ("/listings?status=withdrawn", ("title", "venue")),
    ],
)
async def test_on_the_pages_of_a_seller(
    as_user: As, apis: FakeApis, seller: CurrentUser, path: str, words: tuple[str, ...]
) -> None:
    ticket = spoken(apis, seller)
    spoken(apis, seller).status = "withdrawn"

    answer = await as_user(seller).get(path.format(ticket=ticket.id))

    assert await shown(answer, *words) == []


@pytest.mark.parametrize("status", ["created", "awaiting:payment", "complete", "cancelled"])
async def test_on_the_pages_of_a_buyer(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser, status: str
) -> None:
    order = apis.order(buyer, spoken(apis, seller), status=status)
    browser = as_user(buyer)

    assert await shown(await browser.get("/orders"), "title", "venue", "buyer") == []
    assert await shown(await browser.get(f"/orders/{order.id}"), "title", "venue", "seat") == []


async def test_on_a_receipt_and_its_verification(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = apis.order(buyer, spoken(apis, seller), status="complete")
    browser = as_user(buyer)

    receipt = await browser.get(f"/orders/{order.id}/receipt")
    (verify,) = (a for a in page(receipt).all("a") if "/receipts/" in a["href"])

    assert await shown(receipt, "title", "venue", "seat", "buyer") == []
    assert await shown(await browser.get(verify["href"]), "title", "venue", "seat") == []


async def test_in_forms_that_come_back(as_user: As, seller: CurrentUser) -> None:
    browser = as_user(seller)
    typed = {"title": f"{MARK}-title!", "price": "x", "venue": f"{MARK}-venue!", "seat": f"{MARK}-seat!"}

    answer = await browser.post("/tickets/new", data=typed)

    assert await shown(answer, "title", "venue", "seat") == []


async def test_the_check_itself_finds_what_is_bare(as_user: As, apis: FakeApis, seller: CurrentUser) -> None:
    ticket = spoken(apis, seller)
    answer = await as_user(seller).get(f"/tickets/{ticket.id}")
    text = re.sub("</?bdi>|[\u2068\u2069]", "", answer.text)

    found = list(bare(page(httpx.Response(200, html=text))))

    assert set(found) == {f"{MARK}-{word}!" for word in ("title", "venue", "seat", "seller")}
