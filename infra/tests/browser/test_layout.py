"""Where things are on the pages: one grid, one edge, one width, tickets first on a phone; legible hints."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page
from tests.browser.conftest import NewVisitor
from tests.browser.states import DETAILS, Scene

from infra.actors.api import Api

pytestmark = pytest.mark.connected

LUMINANCE = """(selector, pseudo) => {
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((part) => channel(Number(part) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const element = document.querySelector(selector);
  const words = luminance(getComputedStyle(element, pseudo).color);
  const ground = luminance(getComputedStyle(element).backgroundColor);
  return (Math.max(words, ground) + 0.05) / (Math.min(words, ground) + 0.05);
}"""
"""Contrast of a text with the ground of its element: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""


@pytest.fixture
async def api(edge: str) -> AsyncIterator[Api]:
    async with Api(edge, connections=8) as api:
        yield api


async def scene_of(
    open_window: NewVisitor, edge: str, api: Api, width: int, height: int = 800, **look: Any
) -> Scene:
    visitor = await open_window(f"layout-{width}", viewport={"width": width, "height": height}, **look)
    return Scene(visitor.page, edge, api)


async def edges(page: Page, selector: str, edge: str) -> list[float]:
    """The left, right, top or bottom of each element, in whole pixels."""
    return list(
        await page.eval_on_selector_all(
            selector, f"found => found.map((one) => Math.round(one.getBoundingClientRect().{edge}))"
        )
    )


async def width_of(page: Page, selector: str) -> float:
    return float(await page.eval_on_selector(selector, "one => one.getBoundingClientRect().width"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_placeholder_can_be_read(open_window: NewVisitor, edge: str, api: Api, scheme: str) -> None:
    """Level AA of WCAG 2.2, which axe does not check for placeholders."""
    scene = await scene_of(open_window, edge, api, 1280, color_scheme=scheme)
    await scene.open("/")

    assert await scene.page.evaluate(f"({LUMINANCE})('#q', '::placeholder')") >= 4.5


async def test_the_bar_reaches_the_edge_of_a_short_page(open_window: NewVisitor, edge: str, api: Api) -> None:
    scene = await scene_of(open_window, edge, api, 1280)
    await scene.open("/auth/signin")

    assert await edges(scene.page, ".bar", "right") == [1280]


@pytest.mark.parametrize("width", [360, 768, 1280])
async def test_rows_share_the_columns_of_their_list(
    open_window: NewVisitor, edge: str, api: Api, width: int
) -> None:
    scene = await scene_of(open_window, edge, api, width)
    seller = await scene.member()
    await scene.offered(seller, "A listing with buttons")
    await scene.offered(seller, "Held, and without buttons")
    await seller.sell(9, "Cheap and without a day")
    buyer = await scene.person()
    held = (await seller.call("GET", "/api/tickets?seller=me"))[1][1]
    order = await buyer.buy(held["id"])
    await seller.see(f"/api/tickets/{held['id']}", lambda seen: seen["status"] == "held")
    await scene.open("/listings")

    prices = ".rows .price"
    assert len(await edges(scene.page, prices, "left")) == 3
    assert len(set(await edges(scene.page, prices, "right" if width >= 768 else "left"))) == 1
    assert len(set(await edges(scene.page, ".rows .badge", "left"))) == 1
    assert len(set(await edges(scene.page, ".rows .actions", "left"))) == 1
    await buyer.call("DELETE", f"/api/orders/{order}")


async def test_the_price_is_in_one_place_on_the_cards_of_a_line(
    open_window: NewVisitor, edge: str, api: Api
) -> None:
    scene = await scene_of(open_window, edge, api, 1280)
    seller, word = await scene.person(), f"Grid{(await scene.person()).id}"
    await seller.sell(9, word)
    await seller.call("POST", "/api/tickets", {"title": f"{word} " + "long " * 30, "price": 20, **DETAILS})
    await seller.call("POST", "/api/tickets", {"title": word, "price": 30, "venue": "A long venue " * 12})
    await seller.see(f"/api/tickets?q={word}", lambda found: len(found) == 3)
    await scene.open(f"/?q={word}")

    lines = await edges(scene.page, ".card", "bottom")
    prices = await edges(scene.page, ".card .price", "bottom")
    insets = await scene.page.eval_on_selector_all(
        ".card", "cards => cards.map((card) => card.querySelector('.price').offsetLeft)"
    )
    assert len(prices) == 3
    assert (len(set(lines)), len(set(prices)), len(set(insets))) == (1, 1, 1)
    venue = await edges(scene.page, ".card .where", "bottom")
    assert max(venue) < min(prices)


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844)])
@pytest.mark.parametrize("signed_in", [True, False], ids=["member", "guest"])
async def test_tickets_are_seen_first_on_a_phone(
    open_window: NewVisitor, edge: str, api: Api, width: int, height: int, signed_in: bool
) -> None:
    scene = await scene_of(open_window, edge, api, width, height)
    await scene.offered(await scene.member())
    if not signed_in:
        await scene.page.context.clear_cookies()
    await scene.open("/")

    bottom = (await edges(scene.page, ".card", "bottom"))[0]
    assert bottom <= height
    assert (await edges(scene.page, ".card", "top"))[0] <= height * 0.6


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
async def test_filters_are_folded_on_a_phone_and_open_where_one_is_set(
    open_window: NewVisitor, edge: str, api: Api, javascript: bool
) -> None:
    scene = await scene_of(open_window, edge, api, 360, java_script_enabled=javascript)
    field = scene.page.get_by_label("Price from")
    await scene.open("/")
    assert not await field.is_visible()

    await scene.page.get_by_text("Filters and order").click()
    assert await field.is_visible()
    await scene.open("/?minPrice=10")
    assert await field.is_visible()


@pytest.mark.parametrize("width", [768, 1280])
async def test_filters_are_open_on_a_wide_window_and_the_words_have_the_widest_field(
    open_window: NewVisitor, edge: str, api: Api, width: int
) -> None:
    scene = await scene_of(open_window, edge, api, width)
    await scene.open("/")

    assert await scene.page.get_by_label("Price from").is_visible()
    assert not await scene.page.get_by_text("Filters and order").is_visible()
    others = [await width_of(scene.page, field) for field in ("#minPrice", "#maxPrice", "#sort")]
    assert await width_of(scene.page, "#q") > max(others)


async def test_a_message_is_as_wide_as_its_form(open_window: NewVisitor, edge: str, api: Api) -> None:
    scene = await scene_of(open_window, edge, api, 1280)
    await scene.open("/orders")

    assert await width_of(scene.page, ".flash") == await width_of(scene.page, "form.wide")


@pytest.mark.parametrize("path", ["/tickets/new", "/auth/signin"])
async def test_the_button_of_a_form_fills_its_line(
    open_window: NewVisitor, edge: str, api: Api, path: str
) -> None:
    scene = await scene_of(open_window, edge, api, 1280)
    if path != "/auth/signin":
        await scene.member()
    await scene.open(path)

    assert await width_of(scene.page, "main button") == await width_of(scene.page, "form.wide")


@pytest.mark.parametrize("width", [320, 360, 390])
async def test_the_menu_has_at_most_two_lines_on_a_phone(
    open_window: NewVisitor, edge: str, api: Api, width: int
) -> None:
    scene = await scene_of(open_window, edge, api, width)
    await scene.member()
    await scene.open("/listings")

    assert len(set(await edges(scene.page, ".bar :is(.brand, li:not(.who))", "top"))) == 2
    assert await scene.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("media", ["screen", "print"])
async def test_the_squares_of_a_receipts_code_are_large(
    open_window: NewVisitor, edge: str, api: Api, media: str
) -> None:
    """At least 4 px, which are 1 mm on paper: half of that is enough for a phone's camera."""
    scene = await scene_of(open_window, edge, api, 1280)
    _, order = await scene.order_in("complete")
    await scene.open(f"/orders/{order}/receipt")
    await scene.page.emulate_media(media="print" if media == "print" else "screen")

    square = await scene.page.eval_on_selector(
        ".qr svg", "code => code.getBoundingClientRect().width / (code.viewBox.baseVal.width / 4)"
    )
    assert square >= 4
    assert await scene.page.get_by_text("GitTix").last.is_visible()
