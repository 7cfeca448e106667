"""The ticket itself: added by its seller, shown to its buyer, put into a calendar."""

import httpx
import pytest
from tests.conftest import As
from tests.dom import alerts, page
from tests.fake_apis import FakeApis, Order, Ticket

from client.uploads import MAX_FORM_BYTES
from common.base.identity import CurrentUser
from common.testing.browser import a_user

PNG = b"\x89PNG a picture of the ticket"
FILE = {"name": "mine.jpg", "type": "image/jpeg", "bytes": 30, "pages": 2}


async def upload(
    as_user: As, seller: CurrentUser, ticket: Ticket, content: bytes, name: str = "mine.png"
) -> httpx.Response:
    return await as_user(seller).post(f"/tickets/{ticket.id}/file", files={"file": (name, content)})


def bought(apis: FakeApis, buyer: CurrentUser, **ticket: object) -> Order:
    sold = apis.sell("Opera")
    order = Order(sold, buyer.id, status="complete", payment="captured")
    for name, value in ticket.items():
        setattr(sold, name, value)
    order.__post_init__()
    sold.status, sold.order_id = "sold", order.id
    apis.orders[order.id] = order
    return order


async def test_a_seller_adds_sees_and_removes_the_ticket_itself(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    added = await upload(as_user, seller, ticket, PNG)

    address = f"/tickets/{ticket.id}/file"
    assert (added.status_code, added.headers["location"]) == (303, address)
    shown = page(await as_user(seller).get(address))
    (picture,) = shown.one("main").all("img")
    seen = await as_user(seller).get(picture["src"])
    assert (seen.content, seen.headers["content-type"]) == (PNG, "image/jpeg")
    downloaded = await as_user(seller).get(f"{address}/download")
    assert downloaded.headers["content-disposition"].startswith("attachment")
    assert downloaded.headers["cache-control"] == "no-store"
    assert downloaded.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert downloaded.headers["x-content-type-options"] == "nosniff"

    removed = await as_user(seller).post(f"{address}/remove")

    assert (removed.status_code, ticket.file) == (303, None)


async def test_the_form_sends_a_file_without_a_script(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    form = page(await as_user(seller).get(f"/tickets/{ticket.id}/file")).one("main").one("form")

    assert (form["method"], form["enctype"]) == ("post", "multipart/form-data")
    assert form["action"] == f"/tickets/{ticket.id}/file"


async def test_a_refused_file_says_why_on_the_form(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket, other = apis.sell(seller=seller.id), apis.sell(seller=seller.id)
    await upload(as_user, seller, ticket, PNG)

    unreadable = await upload(as_user, seller, other, b"hello")
    listed = await upload(as_user, seller, other, PNG)

    assert (unreadable.status_code, listed.status_code) == (400, 400)
    assert "Choose a PDF, PNG or JPEG of at most 5 MB and 10 pages." in alerts(page(unreadable))[0]
    assert "This ticket is already listed" in alerts(page(listed))[0]


async def test_a_file_that_is_too_large_is_refused(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    refused = await upload(as_user, seller, ticket, bytes(MAX_FORM_BYTES))

    assert refused.status_code == 413
    assert not apis.calls("PUT", f"/api/tickets/{ticket.id}/file")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"file=x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"no part"),
        (
            "multipart/form-data; boundary=x; charset=none-such",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nb\r\n--x--\r\n',
        ),
    ],
)
async def test_another_form_is_refused(as_user: As, apis: FakeApis, kind: str, body: bytes) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)

    refused = await as_user(seller).post(
        f"/tickets/{ticket.id}/file", content=body, headers={"Content-Type": kind}
    )

    assert refused.status_code == 400


async def test_a_strangers_listing_has_no_such_form(as_user: As, apis: FakeApis) -> None:
    assert (await as_user(a_user()).get(f"/tickets/{apis.sell().id}/file")).status_code == 401


async def test_a_held_listing_keeps_its_file(as_user: As, apis: FakeApis) -> None:
    seller = a_user()
    ticket = apis.sell(seller=seller.id)
    ticket.status, ticket.order_id = "held", "0" * 24

    shown = page(await as_user(seller).get(f"/tickets/{ticket.id}/file")).one("main")

    assert not shown.all("form")
    assert (await upload(as_user, seller, ticket, PNG)).status_code == 400


async def test_a_buyer_sees_every_page_and_downloads_the_ticket(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = bought(apis, buyer, file=FILE, file_content=PNG)
    browser = as_user(buyer)

    link = f"/orders/{order.id}/ticket"
    assert link in [a["href"] for a in page(await browser.get(f"/orders/{order.id}")).one("main").all("a")]
    shown = page(await browser.get(link)).one("main")

    assert [img["src"] for img in shown.all("img")] == [f"{link}/1", f"{link}/2"]
    for address in (f"{link}/1", f"{link}/2", f"{link}/download"):
        assert (await browser.get(address)).content == PNG
    for address in ("0", "3", "11", "x", "%D9%A1"):
        assert (await browser.get(f"{link}/{address}")).status_code == 404


async def test_without_a_file_the_page_says_that_the_seller_hands_it_over(
    as_user: As, apis: FakeApis
) -> None:
    buyer = a_user()
    order = bought(apis, buyer)

    shown = page(await as_user(buyer).get(f"/orders/{order.id}/ticket")).one("main")

    assert "its seller hands it over to you in another way" in shown.text
    assert not shown.all("img")


async def test_an_order_that_is_not_paid_shows_no_ticket(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = bought(apis, buyer)
    order.status = "created"

    answer = await as_user(buyer).get(f"/orders/{order.id}/ticket")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order.id}")
    assert (await as_user(buyer).get(f"/orders/{order.id}/calendar.ics")).status_code == 404


async def test_the_day_is_put_into_a_calendar(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = bought(
        apis, buyer, title="Così, fan; tutte " * 5, event_date="2031-05-31", venue="Hall", city="Wien"
    )

    answer = await as_user(buyer).get(f"/orders/{order.id}/calendar.ics")

    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    lines = answer.text.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = answer.text.replace("\r\n ", "").split("\r\n")
    assert "DTSTART;VALUE=DATE:20310531" in unfolded
    assert "DTEND;VALUE=DATE:20310601" in unfolded
    assert "LOCATION:Hall\\, Wien" in unfolded
    assert "SUMMARY:" + "Così\\, fan\\; tutte " * 5 in unfolded


async def test_a_start_time_is_a_time_at_the_venue(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = bought(apis, buyer, event_date="2031-05-31", start_time="22:30")

    text = (await as_user(buyer).get(f"/orders/{order.id}/calendar.ics")).text

    assert "DTSTART:20310531T223000\r\nDTEND:20310601T013000\r\n" in text
    assert (await as_user(a_user()).get(f"/orders/{order.id}/calendar.ics")).status_code in (401, 404)
