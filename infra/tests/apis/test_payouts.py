"""How a seller is paid, over the payments service and over client's fake of it."""

import pytest
from tests.apis.shop import Shop

from client.schemas import Balance, Entry, Order
from common.base.ids import is_id
from common.base.money import Money

NOTHING = Balance(pending=0, available=0, paid=0)


async def handed_over(shop: Shop, price: str = "12.35") -> Order:
    order = await shop.paid(await shop.ordered(await shop.lists(price=price)))
    await shop.sellers.deliver(order.id)
    await shop.becomes(lambda: entries(shop), lambda found: order.id in [one.order_id for one in found])
    return order


async def entries(shop: Shop) -> list[Entry]:
    return list((await shop.sellers.entries({})).items)


async def becomes(shop: Shop, pending: str = "0", available: str = "0", paid: str = "0") -> None:
    wanted = Balance.model_validate({"pending": pending, "available": available, "paid": paid})
    await shop.becomes(shop.sellers.balance, lambda found: found == wanted)


async def test_the_form_of_the_provider_makes_its_owner_ready(shop: Shop) -> None:
    await shop.sellers.payout_account()
    assert shop.json(200) == {"ready": False, "due": []}

    form = await shop.sellers.payout_form()
    assert set(shop.json(200)) == {"url"}
    assert (await shop.sellers.payout_form()).url == form.url
    assert (await shop.sellers.payout_account()).due

    assert await shop.fills_in(form.url, shop.buyer) == (401, None)
    assert await shop.fills_in(f"{form.url}x", shop.seller) == (404, None)
    assert await shop.fills_in(form.url, shop.seller) == (303, "/sales")
    await shop.sellers.payout_account()
    assert shop.json(200) == {"ready": True, "due": []}
    assert not (await shop.buyers.payout_account()).ready


async def test_the_balance_follows_the_money_of_a_sale(shop: Shop) -> None:
    order = await shop.paid(await shop.ordered(await shop.lists(price="12.35")))
    assert await shop.sellers.balance() == NOTHING
    assert await entries(shop) == []

    await shop.sellers.deliver(order.id)
    await becomes(shop, pending="12.35")
    await shop.buyers.claim(order.id, "not-valid", "Refused at the door.")
    await becomes(shop, pending="12.35")
    await shop.buyers.accept(order.id)
    await becomes(shop, available="12.35")
    await shop.sellers.balance()
    assert shop.json(200) == {"pending": 0, "available": 12.35, "paid": 0}

    await shop.fills_in((await shop.sellers.payout_form()).url, shop.seller)

    await becomes(shop, paid="12.35")
    sale = await shop.becomes(lambda: shop.sellers.sale(order.id), lambda found: found.payout is not None)
    assert sale.payout == Money(1_235)
    assert await shop.buyers.balance() == NOTHING


async def test_an_entry_is_of_one_sale(shop: Shop) -> None:
    kept, returned = await handed_over(shop), await handed_over(shop, "20")
    await shop.sellers.refund(returned.id)

    latest, first = await shop.becomes(lambda: entries(shop), lambda found: found[0].stage == "refunded")

    assert (latest.order_id, latest.price, latest.amount) == (returned.id, Money(2_000), Money(0))
    assert (first.order_id, first.stage) == (kept.id, "pending")
    assert first.at is not None
    shown = shop.json(200)[1]
    assert set(shown) == {"id", "orderId", "stage", "price", "amount", "at"}
    assert is_id(shown["id"])
    assert (shown["price"], shown["amount"]) == (12.35, 12.35)


async def test_entries_come_in_pages(shop: Shop) -> None:
    orders = [(await handed_over(shop)).id for _ in range(3)]

    first = await shop.sellers.entries({"limit": "2"})
    assert first.following is not None
    second = await shop.sellers.entries(first.following)

    assert [one.order_id for one in [*first.items, *second.items]] == orders[::-1]
    assert second.following is None
    with shop.refuses(400, ("cursor-invalid", "Cursor is not one of ours", "cursor")):
        await shop.sellers.entries({"cursor": "nonsense"})


@pytest.mark.parametrize("ask", ["balance", "payout_account", "payout_form"])
async def test_money_is_of_a_signed_in_user(shop: Shop, ask: str) -> None:
    with shop.refuses_strangers():
        await getattr(shop.visitors, ask)()
    with shop.refuses_strangers():
        await shop.visitors.entries({})
