"""Every page in every state, and the steps to reach the state."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from playwright.async_api import Page, expect

from infra.actors.api import Api
from infra.actors.person import Person

TRANSLATIONS = Path(__file__).parents[3] / "client" / "src" / "client" / "translations"
DETAILS = {"eventDate": "2087-05-31", "venue": "Great Hall, Ghent", "seat": "Row 3, seat 14"}


@cache
def _chinese() -> Catalog:
    return read_po(BytesIO((TRANSLATIONS / "zh.po").read_bytes()), locale="zh")


@dataclass
class Scene:
    """Browser window, and users who prepare the page's data through the API."""

    page: Page
    edge: str
    api: Api
    people: list[Person] = field(default_factory=list)
    chinese: bool = False

    def said(self, english: str) -> str:
        """The page's words for an English message, or for one that begins so: up to its first value."""
        if not self.chinese:
            return english
        longer = (one for one in _chinese() if isinstance(one.id, str) and one.id.startswith(english))
        message = _chinese().get(english) or next(longer)
        return str(message.string).partition("%(")[0]

    async def person(self) -> Person:
        self.people.append(await Person.sign_up(self.api))
        return self.people[-1]

    async def sign_in_as(self, person: Person) -> None:
        await self.page.context.clear_cookies()
        name, value = person.session
        await self.page.context.add_cookies([{"name": name, "value": value, "url": self.edge}])

    async def member(self) -> Person:
        person = await self.person()
        await self.sign_in_as(person)
        return person

    async def open(self, path: str) -> None:
        await self.page.goto(self.edge + path)

    async def offered(self, seller: Person, title: str = "The Marriage of Figaro") -> str:
        _, ticket = await seller.call("POST", "/api/tickets", {"title": title, "price": "1234.50", **DETAILS})
        return str(ticket["id"])

    async def offered_to_searchers(self) -> None:
        """A Figaro that a search finds."""
        seller = await self.person()
        await self.offered(seller)
        await seller.see("/api/tickets?q=figaro", bool)

    async def ordered(self) -> tuple[Person, str, str]:
        """The buyer, signed in in this window, the ticket and the order."""
        ticket = await self.offered(await self.person())
        buyer = await self.member()
        return buyer, ticket, await buyer.buy(ticket)

    async def order_in(self, status: str, token: str = "tok_visa") -> tuple[Person, str]:
        buyer, _, order = await self.ordered()
        await buyer.pay(order, token)
        await buyer.see(f"/api/orders/{order}", lambda seen: seen["status"] == status)
        return buyer, order


State = Callable[[Scene], Awaitable[Any]]
STATES: dict[str, State] = {}


def state(name: str) -> Callable[[State], State]:
    def add(reach: State) -> State:
        STATES[name] = reach
        return reach

    return add


def _page(name: str, path: str) -> None:
    @state(name)
    async def _(scene: Scene) -> None:
        await scene.page.context.clear_cookies()
        await scene.open(path)


for _name, _path in (
    ("sign-up", "/auth/signup"),
    ("sign-in", "/auth/signin"),
    ("forgot", "/auth/forgot"),
    ("reset", "/auth/reset?token=x"),
    ("confirm", "/auth/confirm?token=x"),
    ("help", "/help"),
    ("terms", "/terms"),
    ("privacy", "/privacy"),
    ("not-found", "/no/such/page"),
    ("search-without-results", "/?q=nothing+has+these+words"),
    ("search-refused", "/?minPrice=cheap"),
    ("receipt-forged", "/receipts/forged"),
    ("sign-in-first", "/orders"),
):
    _page(_name, _path)


@state("tickets")
async def _tickets(scene: Scene) -> None:
    seller = await scene.person()
    await scene.offered(seller)
    await seller.sell(20, "x" * 60)
    await scene.page.context.clear_cookies()
    await scene.open("/")


@state("account")
async def _account(scene: Scene) -> None:
    await scene.member()
    await scene.open("/account")


@state("account-refused")
async def _account_refused(scene: Scene) -> None:
    await _account(scene)
    await scene.page.locator("form[action='/account/password'] button").click()
    await expect(scene.page.locator("#current-error")).to_be_visible()


@state("account-deletion")
async def _account_deletion(scene: Scene) -> None:
    await scene.member()
    await scene.open("/account/delete")


@state("account-deletion-refused")
async def _account_deletion_refused(scene: Scene) -> None:
    await _account_deletion(scene)
    await scene.page.locator("form[action='/account/delete'] button").first.click()
    await expect(scene.page.locator("#sure-error")).to_be_visible()


@state("tickets-to-a-seller")
async def _tickets_to_a_seller(scene: Scene) -> None:
    await scene.offered(await scene.person())
    await scene.offered(await scene.member())
    await scene.open("/")


@state("tickets-filtered")
async def _tickets_filtered(scene: Scene) -> None:
    await scene.offered_to_searchers()
    await scene.open("/?q=figaro&minPrice=10&sort=price")


@state("tickets-later-page")
async def _tickets_later_page(scene: Scene) -> None:
    for _ in range(3):
        await scene.offered(await scene.person())
    await scene.open("/?limit=1")
    await scene.page.get_by_role("link", name=scene.said("Next page")).click()
    await expect(scene.page.get_by_role("link", name=scene.said("First page"))).to_be_visible()


@state("tickets-found")
async def _tickets_found(scene: Scene) -> None:
    await scene.offered_to_searchers()
    await scene.open("/?q=figaro")


@state("sign-up-refused")
async def _sign_up_refused(scene: Scene) -> None:
    await scene.page.context.clear_cookies()
    await scene.open("/auth/signup")
    await scene.page.get_by_label(scene.said("Email")).fill("nobody")
    await scene.page.get_by_role("button", name=scene.said("Sign Up")).click()
    await expect(scene.page.get_by_text(scene.said("Enter an e-mail address"))).to_be_visible()


@state("sign-in-to-buy")
async def _sign_in_to_buy(scene: Scene) -> None:
    await scene.page.context.clear_cookies()
    await scene.open(f"/tickets/{await scene.offered(await scene.person())}")
    await scene.page.get_by_role("button", name=scene.said("Purchase")).click()
    await expect(scene.page.get_by_role("button", name=scene.said("Create an account"))).to_be_visible()


@state("session-over")
async def _session_over(scene: Scene) -> None:
    await scene.page.context.clear_cookies()
    await scene.page.context.add_cookies([{"name": "session", "value": "old", "url": scene.edge}])
    await scene.open("/listings")


@state("sell")
async def _sell(scene: Scene) -> None:
    await scene.member()
    await scene.open("/tickets/new")


@state("sell-refused")
async def _sell_refused(scene: Scene) -> None:
    await scene.member()
    await scene.open("/tickets/new")
    await scene.page.get_by_label(scene.said("Price")).fill("-1")
    await scene.page.get_by_role("button", name=scene.said("Put on sale")).click()
    await expect(scene.page.get_by_text(scene.said("Enter a title"))).to_be_visible()


@state("ticket-on-sale")
async def _ticket_on_sale(scene: Scene) -> None:
    ticket = await scene.offered(await scene.person())
    await scene.member()
    await scene.open(f"/tickets/{ticket}")


@state("ticket-to-a-guest")
async def _ticket_to_a_guest(scene: Scene) -> None:
    ticket = await scene.offered(await scene.person())
    await scene.open(f"/tickets/{ticket}?q=figaro")


@state("ticket-without-a-day")
async def _ticket_without_a_day(scene: Scene) -> None:
    ticket = await (await scene.person()).sell(20, "A concert, one day")
    await scene.open(f"/tickets/{ticket}")


@state("ticket-price-changed")
async def _ticket_price_changed(scene: Scene) -> None:
    seller = await scene.person()
    ticket = await scene.offered(seller)
    await scene.member()
    await scene.open(f"/tickets/{ticket}")
    await scene.page.eval_on_selector("input[name=price]", "input => input.value = '1.00'")
    await scene.page.get_by_role("button", name=scene.said("Purchase")).click()
    await expect(scene.page.get_by_text(scene.said("The price was "))).to_be_visible()


@state("ticket-held")
async def _ticket_held(scene: Scene) -> None:
    _, ticket, _ = await scene.ordered()
    watcher = await scene.member()
    await watcher.see(f"/api/tickets/{ticket}", lambda seen: seen["status"] == "held")
    await scene.open(f"/tickets/{ticket}")


@state("ticket-mine")
async def _ticket_mine(scene: Scene) -> None:
    seller = await scene.member()
    await scene.open(f"/tickets/{await scene.offered(seller)}")


@state("ticket-withdrawn")
async def _ticket_withdrawn(scene: Scene) -> None:
    seller = await scene.member()
    ticket = await scene.offered(seller)
    await seller.call("DELETE", f"/api/tickets/{ticket}")
    await scene.open(f"/tickets/{ticket}")


@state("ticket-withdrawn-by-another")
async def _ticket_withdrawn_by_another(scene: Scene) -> None:
    seller = await scene.person()
    ticket = await scene.offered(seller)
    await seller.call("DELETE", f"/api/tickets/{ticket}")
    await scene.member()
    await scene.open(f"/tickets/{ticket}")


@state("withdraw")
async def _withdraw(scene: Scene) -> None:
    seller = await scene.member()
    await scene.open(f"/tickets/{await scene.offered(seller)}/withdraw")


@state("cancel")
async def _cancel(scene: Scene) -> None:
    _, _, order = await scene.ordered()
    await scene.open(f"/orders/{order}/cancel")


@state("ticket-edit")
async def _ticket_edit(scene: Scene) -> None:
    seller = await scene.member()
    await scene.open(f"/tickets/{await scene.offered(seller)}/edit")


@state("ticket-of-another")
async def _ticket_of_another(scene: Scene) -> None:
    ticket = await scene.offered(await scene.person())
    await scene.member()
    await scene.open(f"/tickets/{ticket}/edit")


@state("listings-empty")
async def _listings_empty(scene: Scene) -> None:
    await scene.member()
    await scene.open("/listings")


@state("listings")
async def _listings(scene: Scene) -> None:
    seller = await scene.member()
    await scene.offered(seller)
    sold = await scene.offered(seller, "La Traviata")
    gone = await scene.offered(seller, "Rigoletto")
    await seller.call("DELETE", f"/api/tickets/{gone}")
    buyer = await scene.person()
    await buyer.pay(await buyer.buy(sold))
    await seller.see(f"/api/tickets/{sold}", lambda seen: seen["status"] == "sold")
    await scene.open("/listings")


@state("listings-none-in-state")
async def _listings_none(scene: Scene) -> None:
    await scene.offered(await scene.member())
    await scene.open("/listings?status=sold")


@state("orders-empty")
async def _orders_empty(scene: Scene) -> None:
    await scene.member()
    await scene.open("/orders")


@state("order-to-pay")
async def _order_to_pay(scene: Scene) -> None:
    _, _, order = await scene.ordered()
    await scene.open(f"/orders/{order}")


@state("order-declined")
async def _order_declined(scene: Scene) -> None:
    _, _, order = await scene.ordered()
    await scene.open(f"/orders/{order}")
    await scene.page.get_by_role("radio", name=scene.said("Empty card")).check()
    await scene.page.get_by_role("button", name=scene.said("Pay ")).click()
    await expect(scene.page.get_by_text(scene.said("Your card was declined."))).to_be_visible()


@state("order-to-confirm")
async def _order_to_confirm(scene: Scene) -> None:
    _, order = await scene.order_in("awaiting:payment", "tok_threeDSecure")
    await scene.open(f"/orders/{order}")


@state("order-paid")
async def _order_paid(scene: Scene) -> None:
    _, order = await scene.order_in("complete")
    await scene.open(f"/orders/{order}")


@state("receipt")
async def _receipt(scene: Scene) -> None:
    _, order = await scene.order_in("complete")
    await scene.open(f"/orders/{order}/receipt")


@state("receipt-verified")
async def _receipt_verified(scene: Scene) -> None:
    _, order = await scene.order_in("complete")
    await scene.open(f"/orders/{order}/receipt")
    await scene.page.get_by_role("link", name=scene.said("Verify it yourself")).click()


@state("order-cancelled")
async def _order_cancelled(scene: Scene) -> None:
    buyer, _, order = await scene.ordered()
    await buyer.call("DELETE", f"/api/orders/{order}")
    await scene.open(f"/orders/{order}")


@state("orders")
async def _orders(scene: Scene) -> None:
    buyer, _, order = await scene.ordered()
    await buyer.call("DELETE", f"/api/orders/{order}")
    for token in ("tok_visa", "tok_threeDSecure"):
        order = await buyer.buy(await scene.offered(await scene.person()))
        await buyer.pay(order, token)
        await buyer.see(f"/api/orders/{order}", lambda seen: seen["status"] != "created")
    await scene.open("/orders")


@state("order-expired-and-orders")
async def _order_expired(scene: Scene) -> None:
    buyer, _, order = await scene.ordered()
    await buyer.see(f"/api/orders/{order}", lambda seen: seen["status"] == "cancelled", timeout=20)
    await scene.open(f"/orders/{order}")
    await expect(scene.page.get_by_text(scene.said("Expired"), exact=True)).to_be_visible()
    await scene.open("/orders")


@state("tickets-in-the-other-language")
async def _in_the_other_language(scene: Scene) -> None:
    language, heading = ("English", "Tickets on sale") if scene.chinese else ("中文", "在售的票")
    await scene.offered(await scene.person())
    await scene.open("/")
    await scene.page.get_by_role("button", name=language).click()
    await expect(scene.page.get_by_role("heading", name=heading)).to_be_visible()
