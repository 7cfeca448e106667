"""`make trace` on a real system: a sale from the listing to the money, and an order that does not exist."""

import asyncio
import os
import sys

import pytest

from infra.actors.person import Person

pytestmark = pytest.mark.connected


async def traced(order_id: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.verify.journey", order_id),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_a_sale_is_traced_from_the_listing_to_the_money(seller: Person, buyer: Person) -> None:
    ticket = await seller.sell()
    order = await buyer.buy(ticket)
    assert (await buyer.pay(order))[0] == 201
    await buyer.see(f"/api/orders/{order}", lambda seen: seen["payment"] == "captured")
    await seller.see(f"/api/tickets/{ticket}", lambda seen: seen["status"] == "sold")

    code, said = await traced(order)

    assert code == 0, said
    for event in ("ticket.created v0", "order.created v0", "payment.created", "payment.captured"):
        assert f"  {event} " in said, said
    assert "after order.created v0" in said
    assert "status complete, payment captured" in said
    assert "state captured" in said
    assert buyer.email not in said


async def test_an_unknown_order_is_said_to_be_unknown() -> None:
    assert await traced("f" * 24) == (1, f"No order has the id {'f' * 24}\n")
