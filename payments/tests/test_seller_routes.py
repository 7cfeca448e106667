"""Routes for sellers: the provider's form, the account's state, balance and entries."""

import pytest

from common.base.ids import new_id
from common.testing.browser import a_user, signed_in
from payments import webhook
from payments.webhook import WebhookEvent
from tests.shop import Shop

PATHS = ["account", "balance", "entries"]


@pytest.mark.parametrize("path", PATHS)
async def test_only_a_signed_in_user_is_answered(shop: Shop, path: str) -> None:
    assert (await shop.client.get(f"/api/payments/{path}")).status_code == 401
    assert (await shop.client.post("/api/payments/account")).status_code == 401


async def test_a_user_without_an_account_is_not_ready(shop: Shop) -> None:
    answer = await shop.get(a_user(), "account")
    assert (answer.status_code, answer.json()) == (200, {"ready": False, "due": []})


async def test_the_fake_providers_form_makes_its_owner_ready(shop: Shop) -> None:
    seller = a_user()
    url = (await shop.client.post("/api/payments/account", headers=signed_in(seller))).json()["url"]
    assert (await shop.get(seller, "account")).json()["due"] != []
    page = await shop.client.get(url, headers=signed_in(seller))
    assert (page.status_code, "<form" in page.text) == (200, True)
    done = await shop.client.post(url, headers=signed_in(seller))
    assert (done.status_code, done.headers["location"]) == (303, "/sales")
    assert (await shop.get(seller, "account")).json() == {"ready": True, "due": []}


async def test_the_form_is_its_owners_alone(shop: Shop) -> None:
    seller = await shop.a_seller(is_ready=False)
    url = (await shop.client.post("/api/payments/account", headers=signed_in(seller))).json()["url"]
    for call in (shop.client.get, shop.client.post):
        assert (await call(url, headers=signed_in(a_user()))).status_code == 401
        assert (await call(f"{url}x", headers=signed_in(seller))).status_code == 404
    assert not (await shop.get(seller, "account")).json()["ready"]


async def test_the_account_is_read_from_the_provider_while_it_is_not_ready(shop: Shop) -> None:
    seller = await shop.a_seller(is_ready=False)
    account = await shop.context.repositories.accounts.of(seller.id)
    assert account is not None
    await shop.gateway.fill_in(account.id)
    shop.gateway.down = True
    assert (await shop.get(seller, "account")).json()["ready"] is False
    shop.gateway.down = False
    assert (await shop.get(seller, "account")).json()["ready"] is True


async def test_an_event_of_the_account_is_looked_up(shop: Shop) -> None:
    seller = await shop.a_seller()
    account = await shop.context.repositories.accounts.of(seller.id)
    assert account is not None
    await shop.gateway.fill_in(account.id, is_ready=False)
    for account_id in ("acct_unknown", account.id):
        event = {"id": new_id(), "type": "account.updated", "data": {"object": {"id": account_id}}}
        await webhook.take(shop.context, WebhookEvent.model_validate(event))
    assert (await shop.get(seller, "account")).json()["ready"] is False


async def test_the_balance_is_exact_and_follows_the_money(shop: Shop) -> None:
    seller = await shop.a_seller(is_ready=False)
    orders = [await shop.a_captured_order(seller_id=seller.id) for _ in range(4)]
    balance = await shop.get(seller, "balance")
    assert balance.json() == {"pending": 0, "available": 0, "paid": 0}
    for order in orders[:3]:
        await shop.receive(order.delivered())
    await shop.receive(orders[0].accepted())
    await shop.receive(orders[3].refunded())
    assert (await shop.get(seller, "balance")).json() == {"pending": 39.98, "available": 19.99, "paid": 0}
    await shop.fill_in(seller)
    await shop.sweep()
    assert (await shop.get(seller, "balance")).json() == {"pending": 39.98, "available": 0, "paid": 19.99}
    assert (await shop.get(a_user(), "balance")).json() == {"pending": 0, "available": 0, "paid": 0}


async def test_entries_are_the_sales_newest_first_page_by_page(shop: Shop) -> None:
    seller = await shop.a_seller()
    orders = [await shop.an_accepted_order(seller_id=seller.id) for _ in range(3)]
    await shop.an_accepted_order()
    first = await shop.get(seller, "entries?limit=2")
    assert [entry["orderId"] for entry in first.json()] == [orders[2].id, orders[1].id]
    entry = first.json()[0]
    assert (entry["stage"], entry["price"], entry["amount"]) == ("paid", 19.99, 19.99)
    assert entry["at"].endswith("Z")
    following = first.links["next"]["url"]
    second = await shop.get(seller, following.removeprefix("/api/payments/"))
    assert [entry["orderId"] for entry in second.json()] == [orders[0].id]
    assert "next" not in second.links


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=x"])
async def test_a_bad_parameter_of_entries_is_a_400(shop: Shop, query: str) -> None:
    assert (await shop.get(a_user(), f"entries?{query}")).status_code == 400
