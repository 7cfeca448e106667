"""A sale ends by itself, and the services agree about it."""

from pathlib import Path

import pytest
from tests.system.own import agreement, configuration, running, users_of

from infra.actors.person import Person

pytestmark = pytest.mark.connected


async def test_what_is_not_handed_over_is_refunded_and_what_is_not_claimed_about_is_accepted(
    tmp_path: Path,
) -> None:
    async with (
        running(configuration(tmp_path, DELIVERY_SECONDS="3", ACCEPTANCE_SECONDS="2")) as system,
        users_of(system) as api,
    ):
        seller, buyer = await Person.sign_up(api), await Person.sign_up(api)
        given_up, handed_over = [await buyer.buy(await seller.sell()) for _ in range(2)]
        for order_id in (given_up, handed_over):
            await buyer.pay(order_id)
            await buyer.see(f"/api/orders/{order_id}", lambda order: order["fulfilment"] == "due")

        status, _ = await seller.call("POST", f"/api/orders/{handed_over}/delivery", {})
        assert status == 204

        await buyer.see(f"/api/orders/{given_up}", lambda order: order["fulfilment"] == "refunded")
        await buyer.see(f"/api/orders/{handed_over}", lambda order: order["fulfilment"] == "accepted")
        report = await agreement(system)
        assert report.is_clean, report.table()
