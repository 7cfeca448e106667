"""The exchange on real servers: the buyer has the ticket and the seller the money, or the money goes back."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from tests.system.test_files import noise

from infra.actors.person import Person
from infra.verify.target import Target

pytestmark = pytest.mark.connected

PRICE = 19.99


async def is_ready_to_be_paid(target: Target, seller: Person) -> None:
    """Fills in the fake provider's form, as the seller does in a browser."""
    status, answer = await seller.call("POST", "/api/payments/account", {})
    assert status == 200, answer
    async with (
        aiohttp.ClientSession(target.url("edge")) as http,
        http.post(answer["url"], headers=seller.headers, allow_redirects=False) as filled,
    ):
        assert filled.status == 303, await filled.text()


async def with_file(target: Target, seller: Person, ticket: str) -> None:
    async with (
        aiohttp.ClientSession(target.url("edge")) as http,
        http.put(
            f"/api/tickets/{ticket}/file?name=mine.png",
            data=BytesIO(noise()),
            headers={**seller.headers, "Content-Type": "application/octet-stream"},
        ) as put,
    ):
        assert put.status == 200, await put.text()


async def bought(buyer: Person, ticket: str) -> str:
    order = await buyer.buy(ticket)
    status, answer = await buyer.pay(order)
    assert status == 201, answer
    await buyer.see(f"/api/orders/{order}", lambda seen: seen["payment"] == "captured")
    return order


async def reads_the_file(target: Target, person: Person, ticket: str) -> int:
    async with (
        aiohttp.ClientSession(target.url("edge")) as http,
        http.get(f"/api/tickets/{ticket}/file", headers=person.headers) as got,
    ):
        return got.status


async def balance(person: Person) -> Mapping[str, Any]:
    status, answer = await person.call("GET", "/api/payments/balance")
    assert status == 200, answer
    found: Mapping[str, Any] = answer
    return found


async def test_a_listing_with_a_file_is_delivered_at_once_and_its_seller_is_paid_on_acceptance(
    target: Target, seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell(PRICE)
    await with_file(target, seller, ticket)
    order = await bought(buyer, ticket)

    delivered = await buyer.see(f"/api/orders/{order}", lambda seen: seen["fulfilment"] == "delivered")
    assert delivered["acceptBy"] is not None
    assert await reads_the_file(target, buyer, ticket) == 200
    assert (await buyer.call("POST", f"/api/orders/{order}/acceptance", {}))[0] == 204
    waiting = await seller.see("/api/payments/balance", lambda seen: seen["available"] == PRICE)
    assert waiting["paid"] == 0

    await is_ready_to_be_paid(target, seller)

    paid = await seller.see("/api/payments/balance", lambda seen: seen["paid"] == PRICE)
    assert (paid["pending"], paid["available"]) == (0, 0)
    sale = await seller.see(f"/api/orders/sales/{order}", lambda seen: seen["fulfilment"] == "accepted")
    assert sale["ticket"]["price"] == PRICE
    assert await reads_the_file(target, buyer, ticket) == 200


async def test_a_refund_gives_the_money_back_and_closes_the_file(
    target: Target, seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell(PRICE)
    await with_file(target, seller, ticket)
    order = await bought(buyer, ticket)
    claim = {"reason": "not-valid", "words": "The gate refused it."}
    await buyer.see(f"/api/orders/{order}", lambda seen: seen["fulfilment"] == "delivered")
    assert (await buyer.call("POST", f"/api/orders/{order}/claims", claim))[0] == 201

    status, _ = await seller.call("POST", f"/api/orders/{order}/refund", {})

    assert status == 202
    await buyer.see(f"/api/orders/{order}", lambda seen: seen["payment"] == "refunded")
    assert (await buyer.call("POST", f"/api/orders/{order}/acceptance", {}))[0] == 400
    assert await balance(seller) == {"pending": 0, "available": 0, "paid": 0}
    sold = await seller.see(f"/api/tickets/{ticket}", lambda seen: seen["status"] == "sold")
    assert sold["id"] == ticket
    assert await reads_the_file(target, buyer, ticket) == 401
