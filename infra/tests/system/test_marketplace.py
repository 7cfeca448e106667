"""The marketplace from its users' view, through the edge, on real servers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from infra.actors.api import edge_headers
from infra.actors.person import Person
from infra.verify.target import Target

pytestmark = pytest.mark.connected

HOLD_SECONDS = 5
SignUp = Callable[[], Awaitable[Person]]


def status_is(status: str) -> Any:
    return lambda resource: resource.get("status") == status


async def listed(person: Person) -> list[str]:
    _, tickets = await person.call("GET", "/api/tickets?limit=100")
    return [ticket["id"] for ticket in tickets]


async def test_a_ticket_is_sold_at_its_last_price_and_leaves_the_list(seller: Person, buyer: Person) -> None:
    ticket = await seller.sell(20)
    status, _ = await seller.call("PUT", f"/api/tickets/{ticket}", {"title": "Front row", "price": "19.99"})
    assert status == 200
    assert ticket in await listed(buyer)

    async with asyncio.timeout(10):
        order = await buyer.buy(ticket)
    assert (await buyer.pay(order))[0] == 201

    paid = await buyer.see(f"/api/orders/{order}", lambda seen: seen["payment"] == "captured")
    assert (paid["status"], paid["ticket"]["price"], paid["ticket"]["title"]) == (
        "complete",
        19.99,
        "Front row",
    )
    sold = await buyer.see(f"/api/tickets/{ticket}", status_is("sold"))
    assert sold["orderId"] == order
    assert ticket not in await listed(buyer)


async def test_an_order_that_is_not_paid_expires_in_time_and_the_ticket_is_back_on_sale(
    seller: Person, buyer: Person, sign_up: SignUp
) -> None:
    ticket = await seller.sell()
    order = await buyer.buy(ticket)
    ordered = time.monotonic()
    held = await seller.see(f"/api/tickets/{ticket}", status_is("held"))
    assert held["orderId"] == order
    refused, answer = await seller.call("PUT", f"/api/tickets/{ticket}", {"title": "Now", "price": 1})
    assert (refused, answer) == (
        400,
        {"errors": [{"code": "ticket-not-editable", "message": "Cannot edit a reserved ticket"}]},
    )

    await buyer.see(f"/api/orders/{order}", status_is("cancelled"), timeout=HOLD_SECONDS + 5)
    assert HOLD_SECONDS - 0.1 <= time.monotonic() - ordered <= HOLD_SECONDS + 2
    await seller.see(f"/api/tickets/{ticket}", status_is("available"))
    assert ticket in await listed(buyer)
    assert (await (await sign_up()).order(ticket))[0] == 201


async def test_a_cancelled_order_frees_its_ticket_and_can_not_be_paid(seller: Person, buyer: Person) -> None:
    ticket = await seller.sell()
    order = await buyer.buy(ticket)
    assert (await buyer.call("DELETE", f"/api/orders/{order}"))[0] == 204

    await seller.see(f"/api/tickets/{ticket}", status_is("available"))
    async with asyncio.timeout(10):
        while (answer := await buyer.pay(order))[0] != 400:
            pass
    assert answer == (
        400,
        {"errors": [{"code": "order-cancelled", "message": "Cannot pay for a cancelled order"}]},
    )


async def test_a_declined_card_costs_nothing_and_another_one_may_pay(seller: Person, buyer: Person) -> None:
    order = await buyer.buy(await seller.sell())
    status, answer = await buyer.pay(order, "tok_chargeDeclined")
    assert (status, answer) == (
        402,
        {"errors": [{"code": "card-declined", "message": "Your card was declined."}]},
    )

    assert (await buyer.pay(order, "tok_visa"))[0] == 201
    await buyer.see(f"/api/orders/{order}", lambda seen: seen["payment"] == "captured")


async def test_a_payment_whose_answer_was_lost_is_found_and_taken_once(seller: Person, buyer: Person) -> None:
    order = await buyer.buy(await seller.sell())
    status, answer = await buyer.pay(order, "tok_timeout")
    assert status in (201, 503), answer

    paid = await buyer.see(f"/api/orders/{order}", lambda seen: seen["payment"] == "captured")
    assert paid["status"] == "complete"
    assert (await buyer.pay(order))[0] == 201


async def test_a_further_step_of_the_card_is_waited_for(seller: Person, buyer: Person) -> None:
    order = await buyer.buy(await seller.sell())
    assert (await buyer.pay(order, "tok_threeDSecure"))[0] == 201
    await buyer.see(f"/api/orders/{order}", status_is("awaiting:payment"))

    assert (await buyer.call("POST", "/api/payments/confirm", {"orderId": order}))[0] == 200
    await buyer.see(f"/api/orders/{order}", lambda seen: seen["payment"] == "captured")


async def test_one_of_many_buyers_wins_each_ticket(seller: Person, sign_up: SignUp) -> None:
    tickets = [await seller.sell() for _ in range(5)]
    buyers = await asyncio.gather(*(sign_up() for _ in range(10)))
    for ticket in tickets:
        answers = await asyncio.gather(*(buyer.order(ticket) for buyer in buyers))
        assert sorted(status for status, _ in answers) == [201, *[400] * 9]


async def test_a_user_can_not_buy_an_own_ticket_or_see_another_users_order(
    seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell()
    order = await buyer.buy(ticket)
    assert (await seller.order(await seller.sell()))[0] == 400
    assert await seller.call("GET", f"/api/orders/{order}") == (
        401,
        {"errors": [{"code": "not-authorized", "message": "Not authorized"}]},
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_the_edge_hides_what_is_for_operators(buyer: Person, path: str) -> None:
    assert (await buyer.call("GET", path))[0] == 404


async def test_a_request_id_travels_into_the_answer(target: Target) -> None:
    headers = {"X-Request-Id": "from-the-test", **edge_headers()}
    async with aiohttp.request("GET", f"{target.edge}/api/tickets", headers=headers) as response:
        assert response.headers["X-Request-Id"] == "from-the-test"
