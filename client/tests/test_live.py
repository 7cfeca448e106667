"""Live updates: the events that an open page receives, and their cost."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.conftest import Browser
from tests.dom import page
from tests.fake_apis import FakeApis, Ticket
from tests.open_page import OpenPage, SentEvent, opened
from tests.virtual_clock import just_after

from client.live import answer
from client.live.answer import message
from client.live.pages import Limits, Live
from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import OrderCreated, SessionEnded, TicketUpdated, TicketWithdrawn
from common.contract.events import OrderedTicket as EventTicket
from common.testing.browser import a_user, signed_in
from common.testing.events import publish
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream

pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture
def live(app: FastAPI) -> Live:
    live: Live = app.state.live
    return live


class Shop:
    """Changes tickets and publishes the events, as the services do."""

    def __init__(self, apis: FakeApis, stream: FakeStream) -> None:
        self._apis = apis
        self._stream = stream

    def sell(self, **ticket: Any) -> Ticket:
        return self._apis.sell(**ticket)

    def change(self, ticket: Ticket, **state: Any) -> TicketUpdated:
        for name, value in state.items():
            setattr(ticket, name, value)
        ticket.version += 1
        return TicketUpdated(
            id=ticket.id,
            version=ticket.version,
            title=ticket.title,
            price=ticket.price,
            user_id=ticket.user_id,
            order_id=ticket.order_id,
        )

    async def changed(self, ticket: Ticket, **state: Any) -> None:
        await publish(self._stream, self.change(ticket, **state))

    async def held(self, ticket: Ticket, buyer_id: str, order_id: str | None = None) -> None:
        order_id = order_id or new_id()
        await publish(
            self._stream,
            OrderCreated(
                id=order_id,
                version=0,
                status="created",
                user_id=buyer_id,
                expires_at=times.now(),
                ticket=EventTicket(id=ticket.id, price=ticket.price),
            ),
        )
        await self.changed(ticket, status="held", order_id=order_id)

    async def withdrawn(self, ticket: Ticket) -> None:
        ticket.status, ticket.version = "withdrawn", ticket.version + 1
        await publish(self._stream, TicketWithdrawn(id=ticket.id, version=ticket.version))


@pytest.fixture
def shop(apis: FakeApis, stream: FakeStream) -> Shop:
    return Shop(apis, stream)


def address(ticket: Ticket) -> str:
    return f"/tickets/{ticket.id}/live?version={ticket.version}"


def badge(sent: SentEvent) -> str:
    assert sent.event == "state"
    return sent.html.one("span", cls="badge").text


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_page_receives_the_state_at_once_in_a_form_that_no_proxy_stores(
    app: FastAPI, shop: Shop
) -> None:
    async with opened(app, address(shop.sell())) as watcher:
        (sent,) = await watcher.events(1)

        assert (badge(sent), sent.id) == ("For sale", "0")
        assert watcher.status == 200
        assert watcher.headers["content-type"].startswith("text/event-stream")
        assert watcher.headers["cache-control"] == "no-store"
        assert watcher.headers["x-accel-buffering"] == "no"
        assert watcher.body.startswith(b"retry: ")


async def test_a_change_since_the_page_was_rendered_is_sent_at_once(app: FastAPI, shop: Shop) -> None:
    ticket = shop.sell()
    rendered = address(ticket)
    await shop.changed(ticket, status="sold", order_id=new_id())

    async with opened(app, rendered) as watcher:
        (sent,) = await watcher.events(1)

    assert badge(sent) == "Sold"


async def test_each_change_is_sent_as_it_happens(app: FastAPI, shop: Shop) -> None:
    ticket, order_id = shop.sell(), new_id()
    async with opened(app, address(ticket)) as watcher:
        await watcher.events(1)
        await shop.held(ticket, new_id(), order_id)
        await watcher.events(2)
        await shop.changed(ticket, status="sold")
        await watcher.events(3)

        assert [badge(sent) for sent in watcher.received] == ["For sale", "Reserved", "Sold"]
        assert [sent.id for sent in watcher.received] == ["0", "1", "2"]


async def test_a_new_price_is_sent(app: FastAPI, shop: Shop) -> None:
    ticket = shop.sell(price="20")
    async with opened(app, address(ticket)) as watcher:
        await watcher.events(1)
        await shop.changed(ticket, price=Money.parse("25.50"))
        sent = (await watcher.events(2))[-1]

        assert sent.html.one("span", cls="price").text == "$25.50"


async def test_an_open_page_shows_that_the_day_of_its_event_is_over(
    app: FastAPI, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = shop.sell()
    ticket.event_date = "2087-05-31"
    async with opened(app, address(ticket)) as watcher:
        assert (await watcher.events(1))[-1].html.all("button")
        monkeypatch.setattr(times, "now", lambda: datetime(2087, 6, 1, 12, tzinfo=UTC))

        sent = (await watcher.events(2))[-1]

        assert badge(sent) == "Event over"
        assert sent.html.all("button") == []


def test_a_text_ends_no_event_and_begins_none() -> None:
    sent = message("state", "<p>x</p>\r\ndata: x\n\nevent: gone\rid: 7", 3)

    assert sent.decode().split("\n") == [
        "event: state",
        "id: 3",
        "data: <p>x</p>",
        "data: data: x",
        "data: ",
        "data: event: gone",
        "data: id: 7",
        "",
        "",
    ]


async def test_a_withdrawn_ticket_is_shown_as_such_and_is_gone_for_later_pages(
    app: FastAPI, shop: Shop
) -> None:
    ticket = shop.sell()
    rendered = address(ticket)
    async with opened(app, rendered) as watcher:
        await watcher.events(1)
        await shop.withdrawn(ticket)
        assert badge((await watcher.events(2))[-1]) == "Withdrawn"

    async with opened(app, rendered) as late:
        await late.ended()
        assert [sent.event for sent in late.received] == ["gone"]


async def test_each_user_receives_their_own_view_of_the_ticket(
    app: FastAPI, shop: Shop, apis: FakeApis
) -> None:
    seller, buyer, other = (a_user(f"{name}@example.test") for name in ("ada", "bob", "cy"))
    ticket = shop.sell(seller=seller.id)
    async with (
        opened(app, address(ticket), signed_in(seller)) as sellers,
        opened(app, address(ticket), signed_in(buyer)) as buyers,
        opened(app, address(ticket), signed_in(other)) as others,
        opened(app, address(ticket)) as strangers,
    ):
        everybody = (sellers, buyers, others, strangers)
        for each in everybody:
            await each.events(1)
        order = apis.order(buyer, ticket)
        await shop.held(ticket, buyer.id, order.id)
        sent = [(await each.events(2))[-1].html.one("p", cls="aside").text for each in everybody]

    assert "your listing" in sent[0]
    assert sent[1] == "It is reserved for you."
    assert sent[2] == sent[3]
    assert "Another buyer holds this ticket" in sent[2]
    # The order's owner was on the stream, so the other pages don't request the order.
    assert len(apis.calls("GET", f"/api/orders/{order.id}")) == 1


async def test_the_holder_is_requested_if_its_event_was_missed(
    app: FastAPI, shop: Shop, apis: FakeApis
) -> None:
    buyer, ticket = a_user(), shop.sell()
    order = apis.order(buyer, ticket)

    async with opened(app, address(ticket), signed_in(buyer)) as watcher:
        (sent,) = await watcher.events(1)

    assert sent.html.one("a", href=f"/orders/{order.id}").text == "Go to your order"


async def test_a_holder_whose_end_was_missed_is_not_led_to_an_ended_order(
    app: FastAPI, shop: Shop, apis: FakeApis
) -> None:
    first, ticket = a_user(), shop.sell()
    async with opened(app, address(ticket), signed_in(first)) as watcher:
        await watcher.events(1)
        ended = apis.order(first, ticket)
        await shop.held(ticket, first.id, ended.id)
        await watcher.events(2)
        ended.status = "cancelled"
        apis.order(a_user(), ticket)
        await shop.changed(ticket)
        sent = (await watcher.events(3))[-1]

    assert "Another buyer holds this ticket" in sent.html.one("p", cls="aside").text


async def test_the_sent_state_equals_that_of_the_page(app: FastAPI, shop: Shop, browser: Browser) -> None:
    ticket = shop.sell()
    shown = page(await browser.get(f"/tickets/{ticket.id}")).one("div", id="state")

    async with opened(app, shown["data-live"]) as watcher:
        (sent,) = await watcher.events(1)

    assert [e for e in sent.html.children if not isinstance(e, str)] == [
        e for e in shown.children if not isinstance(e, str)
    ]
    assert shown["aria-live"] == "polite"


async def test_many_pages_of_one_ticket_share_one_request_without_a_user(
    app: FastAPI, shop: Shop, apis: FakeApis
) -> None:
    ticket = shop.sell()
    pages = [OpenPage(app, address(ticket), signed_in(), client=f"203.0.113.{n}") for n in range(50)]
    for each in pages:
        await each.events(1)
    before = len(apis.seen)

    await shop.held(ticket, new_id())
    for each in pages:
        await each.events(2)
        each.leave()
        await each.ended()

    assert len(apis.seen) == before + 1
    assert before < 10
    assert all("cookie" not in call.headers for call in apis.calls("GET", f"/api/tickets/{ticket.id}"))


async def test_events_of_other_tickets_cause_no_request(app: FastAPI, shop: Shop, apis: FakeApis) -> None:
    ticket, other = shop.sell(), shop.sell()
    async with opened(app, address(ticket)) as watcher:
        await watcher.events(1)
        await shop.held(other, new_id())
        await shop.changed(ticket, price=Money.parse("1"))
        await watcher.events(2)

    assert apis.calls("GET", f"/api/tickets/{other.id}") == []


async def test_a_repeated_event_causes_no_request(
    app: FastAPI, shop: Shop, apis: FakeApis, stream: FakeStream
) -> None:
    ticket = shop.sell()
    event = shop.change(ticket, price=Money.parse("2"))
    async with opened(app, address(ticket)) as watcher:
        await watcher.events(1)
        await publish(stream, event, event)
        await shop.changed(ticket, price=Money.parse("3"))
        await watcher.events(2)

    assert len(apis.calls("GET", f"/api/tickets/{ticket.id}")) == 2


async def test_an_unreadable_event_does_no_harm(app: FastAPI, shop: Shop, stream: FakeStream) -> None:
    ticket = shop.sell()
    async with opened(app, address(ticket)) as watcher:
        await watcher.events(1)
        for data in (b"", b"[]", b'{"id":1}', b"\xff"):
            await stream.publish(f"ticket.updated.{ticket.id}", data, {})
            await stream.publish(f"order.created.{new_id()}", data, {})
        await shop.changed(ticket, status="sold", order_id=new_id())

        assert badge((await watcher.events(2))[-1]) == "Sold"


async def test_a_slow_page_receives_only_the_newest_state(app: FastAPI, shop: Shop) -> None:
    ticket = shop.sell()
    async with opened(app, address(ticket), slow=True) as slow, opened(app, address(ticket)) as watcher:
        for number in range(1, 6):
            await watcher.events(number)
            await shop.changed(ticket, price=Money.parse(str(number)))
        await watcher.events(6)
        slow.take()

        (sent,) = await slow.events(1)
        assert sent.html.one("span", cls="price").text == "$5.00"


async def test_a_page_that_left_is_forgotten(app: FastAPI, shop: Shop, live: Live) -> None:
    async with opened(app, address(shop.sell())) as watcher:
        await watcher.events(1)
        assert live.open_pages == 1
        watcher.leave()
        await watcher.ended()

        assert live.open_pages == 0
        assert live._tickets == {}


async def test_a_stop_ends_every_page_at_once_and_takes_no_more(app: FastAPI, shop: Shop, live: Live) -> None:
    ticket = shop.sell()
    async with opened(app, address(ticket)) as one, opened(app, address(ticket)) as other:
        await one.events(1)
        await other.events(1)
        live.close()
        await one.ended()
        await other.ended()

    async with opened(app, address(ticket)) as late:
        await late.ended()
        assert late.status == 503


async def test_a_stop_in_the_turn_of_a_pages_heartbeat_ends_every_page(
    app: FastAPI, shop: Shop, live: Live
) -> None:
    ticket = shop.sell()
    began = now()
    async with opened(app, address(ticket)) as one:
        await one.events(1)
        await asyncio.sleep(1)
        async with opened(app, address(ticket)) as other:
            await other.events(1)
            just_after(began + answer.HEARTBEAT_SECONDS, live.close)
            await one.ended()
            await other.ended()

    assert now() == pytest.approx(began + answer.HEARTBEAT_SECONDS)


async def test_more_pages_than_there_is_room_for_are_refused_for_a_while(
    app: FastAPI, shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    monkeypatch.setattr(live, "_limits", Limits(pages=1))
    ticket = shop.sell()
    async with opened(app, address(ticket)) as first:
        await first.events(1)
        async with opened(app, address(ticket)) as second:
            await second.ended()
            assert second.status == 503
            assert second.headers["retry-after"] == "30"
        assert (await browser.get(f"/tickets/{ticket.id}")).status_code == 200

    async with opened(app, address(ticket)) as third:
        await third.events(1)


async def test_of_1040_pages_of_one_address_20_are_live_and_a_visitor_of_another_has_his(
    app: FastAPI, shop: Shop, live: Live, browser: Browser
) -> None:
    ticket = shop.sell()
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(opened(app, address(ticket), client=f"2001:db8::{number:x}"))
            for number in range(1_040)
        ]
        for page in pages[:20]:
            await page.events(1)
        for page in pages[20:]:
            await page.ended()
        visitor = await stack.enter_async_context(opened(app, address(ticket), client="2001:db8:0:1::1"))
        await visitor.events(1)

        assert live.open_pages == 21
        assert {page.status for page in pages[20:]} == {429}
        assert {page.headers["retry-after"] for page in pages[20:]} == {"30"}
        assert (await browser.get(f"/tickets/{ticket.id}")).status_code == 200

        pages[0].leave()
        await pages[0].ended()
        again = await stack.enter_async_context(opened(app, address(ticket), client="2001:db8::ffff"))
        await again.events(1)


async def test_an_address_without_pages_is_forgotten(app: FastAPI, shop: Shop, live: Live) -> None:
    async with opened(app, address(shop.sell())) as page:
        await page.events(1)

    assert not live._of_address


@pytest.mark.parametrize("record_id", ["x", "%24gt", "0" * 25, "..%2f..%2forders"])
async def test_a_malformed_id_is_not_found(browser: Browser, apis: FakeApis, record_id: str) -> None:
    assert (await browser.get(f"/tickets/{record_id}/live")).status_code == 404
    assert apis.seen == []


async def test_a_head_keeps_no_page_open(browser: Browser, shop: Shop, live: Live) -> None:
    assert (await browser.head(address(shop.sell()))).status_code == 200
    assert live.open_pages == 0


@pytest.mark.parametrize("version", ["", "-1", "x", "1e9", "9" * 400, "999999999", "٣"])
async def test_a_version_that_no_page_has_shown_does_no_harm(
    app: FastAPI, shop: Shop, apis: FakeApis, version: str
) -> None:
    ticket = shop.sell()
    async with opened(app, f"/tickets/{ticket.id}/live?version={version}") as watcher:
        assert badge((await watcher.events(1))[0]) == "For sale"

    assert len(apis.seen) <= 2


async def test_an_api_that_is_away_as_the_page_opens_is_a_503(
    app: FastAPI, shop: Shop, apis: FakeApis, live: Live
) -> None:
    ticket = shop.sell()
    apis.failure = httpx.ConnectError("away")
    async with opened(app, address(ticket)) as watcher:
        await watcher.ended()

    assert watcher.status == 503
    assert live.open_pages == 0


async def test_an_api_that_is_away_as_the_ticket_changes_is_asked_again(
    app: FastAPI, shop: Shop, apis: FakeApis
) -> None:
    ticket = shop.sell()
    async with opened(app, address(ticket)) as watcher:
        await watcher.events(1)
        apis.failure = httpx.ConnectError("away")
        before = len(apis.seen)
        await shop.held(ticket, new_id())
        await until(lambda: len(apis.seen) > before)
        apis.failure = None

        assert badge((await watcher.events(2))[-1]) == "Reserved"


async def test_an_api_that_is_behind_is_asked_ever_less_often(
    app: FastAPI, shop: Shop, apis: FakeApis, stream: FakeStream
) -> None:
    ticket = shop.sell()
    async with opened(app, address(ticket)) as watcher:
        await watcher.events(1)
        event, before = shop.change(ticket, price=Money.parse("2")), len(apis.seen)
        ticket.version -= 1
        await publish(stream, event)
        moments = []
        for number in range(1, 10):
            await until(lambda: len(apis.seen) == before + number)  # noqa: B023  # called within the turn
            moments.append(now())
        ticket.version += 1

        assert (await watcher.events(2))[-1].id == "1"
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5], abs=0.02)


async def test_a_ticket_that_is_withdrawn_and_changes_still_is_asked_for_once_a_change(
    app: FastAPI, shop: Shop, apis: FakeApis, stream: FakeStream
) -> None:
    """An order may reach a ticket that was withdrawn a moment before."""
    ticket, other = shop.sell(), shop.sell()
    async with opened(app, address(ticket)) as watcher, opened(app, address(other)) as others:
        await watcher.events(1)
        await others.events(1)
        await shop.withdrawn(ticket)
        await watcher.events(2)
        await publish(stream, shop.change(ticket, order_id=new_id()))
        assert badge((await watcher.events(3))[-1]) == "Withdrawn"
        await shop.changed(other, price=Money.parse("2"))
        await others.events(2)

    assert len(apis.calls("GET", f"/api/tickets/{ticket.id}")) == 3


async def test_after_a_gap_in_the_feed_every_open_ticket_is_refreshed(
    app: FastAPI, shop: Shop, hints: FakeHints
) -> None:
    ticket, calm = shop.sell(), shop.sell()
    async with opened(app, address(ticket)) as watcher, opened(app, address(calm)) as other:
        await watcher.events(1)
        await other.events(1)
        hints.away()
        await shop.changed(ticket, status="sold", order_id=new_id())
        hints.back()

        assert badge((await watcher.events(2))[-1]) == "Sold"
        assert len(other.received) == 1


async def test_a_page_that_opens_with_a_newer_state_updates_all(app: FastAPI, shop: Shop) -> None:
    ticket = shop.sell()
    async with opened(app, address(ticket)) as early:
        await early.events(1)
        shop.change(ticket, status="sold", order_id=new_id())

        async with opened(app, address(ticket)) as late:
            assert [badge(sent) for sent in await late.events(1)] == ["Sold"]
        assert badge((await early.events(2))[-1]) == "Sold"


async def test_without_the_feed_a_page_receives_the_state_as_it_opens(
    app: FastAPI, shop: Shop, hints: FakeHints, browser: Browser
) -> None:
    ticket = shop.sell()
    async with opened(app, address(ticket)) as early:
        await early.events(1)
        hints.away()
        before = address(ticket)
        await shop.changed(ticket, status="sold", order_id=new_id())

        async with opened(app, before) as late:
            assert badge((await late.events(1))[0]) == "Sold"
    assert (await browser.get("/readyz")).status_code == 200


async def test_a_silent_page_is_kept_open_by_a_comment_every_15_seconds(app: FastAPI, shop: Shop) -> None:
    async with opened(app, address(shop.sell())) as watcher:
        await watcher.events(1)
        before = watcher.body
        await asyncio.sleep(3 * 15 + 1)

        assert watcher.body == before + b":\n\n" * 3


async def test_a_stream_ends_after_10_to_15_minutes(app: FastAPI, shop: Shop) -> None:
    async with opened(app, address(shop.sell())) as watcher:
        await watcher.events(1)
        began = now()
        await watcher.task

    assert 600 <= now() - began <= 900 + answer.HEARTBEAT_SECONDS


async def test_an_open_page_ends_with_its_viewers_session_and_is_an_anonymous_ones_then(
    app: FastAPI, live: Live, shop: Shop, stream: FakeStream
) -> None:
    ada, other = (a_user(secrets.token_urlsafe(16)) for _ in range(2))
    ticket = shop.sell(seller=ada.id)
    async with (
        opened(app, address(ticket), signed_in(ada)) as hers,
        opened(app, address(ticket), signed_in(other)) as others,
        opened(app, address(ticket)) as anonymous,
    ):
        for page in (hers, others, anonymous):
            await page.events(1)
        assert "/edit" in hers.received[0].text

        began = now()
        await publish(stream, SessionEnded(id=ada.session_id, user_id=ada.id))
        await hers.ended()

        assert now() - began < 1
        await until(lambda: live.open_pages == 2)
        async with opened(app, address(ticket), signed_in(ada)) as again:
            assert (await again.events(1))[0].text == anonymous.received[0].text
