"""Contract of the payments API, through HTTP."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.error_codes import ErrorCode
from common.testing.answers import code_of, codes_of, errors_of
from common.testing.browser import a_user, signed_in
from tests.orders import AnOrder
from tests.shop import Shop


def messages(answer: httpx.Response) -> list[str]:
    return [entry["message"] for entry in errors_of(answer, answer.status_code)]


def fields(answer: httpx.Response) -> dict[str, str]:
    return {entry["field"]: entry["message"] for entry in errors_of(answer, answer.status_code)}


async def test_a_payment_is_authorised_and_published(shop: Shop) -> None:
    order = await shop.order(price=Money(1999))
    answer = await shop.pay(order)
    assert answer.status_code == 201
    assert answer.json() == {"id": answer.json()["id"], "status": "authorized", "clientSecret": None}
    [intent] = await shop.intents(order)
    assert (intent["state"], intent["amount_cents"], intent["captures"]) == ("authorized", 1999, 0)
    assert await shop.published() == ["payment.created:0"]
    [message] = shop.stream.of("payment.created")
    assert json.loads(message.data) == {
        "id": answer.json()["id"],
        "orderId": order.id,
        "stripeId": intent["_id"],
    }


async def test_the_same_order_again_is_the_same_payment(shop: Shop) -> None:
    order = await shop.order()
    first, second = await shop.pay(order), await shop.pay(order, "tok_mastercard")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    await shop.receive(order.completed())
    third = await shop.pay(order)
    assert (third.status_code, third.json()["id"]) == (201, first.json()["id"])
    assert shop.gateway.confirmations == 1


async def test_signed_in_comes_first(shop: Shop) -> None:
    for path in ("", "/confirm"):
        answer = await shop.client.post(f"/api/payments{path}", content=b"{nonsense")
        assert (answer.status_code, messages(answer)) == (401, ["Not authorized"])
        assert code_of(answer, 401) == "not-authorized"


async def test_then_the_body_field_by_field(shop: Shop) -> None:
    headers = signed_in()
    answer = await shop.client.post("/api/payments", json={}, headers=headers)
    assert answer.status_code == 400
    assert fields(answer) == {"orderId": "OrderId must be provided", "token": "Token must be provided"}
    answer = await shop.client.post("/api/payments/confirm", json={"orderId": "x"}, headers=headers)
    assert (answer.status_code, fields(answer)) == (400, {"orderId": "OrderId must be provided"})


async def test_then_whether_it_exists(shop: Shop) -> None:
    for answer in (await shop.pay(AnOrder()), await shop.confirm(AnOrder())):
        assert (answer.status_code, messages(answer)) == (404, ["Not found"])
        assert code_of(answer, 404) == "not-found"


async def test_then_whose_it_is_before_its_state(shop: Shop) -> None:
    order = await shop.order()
    await shop.receive(order.cancelled())
    owner, order.buyer = order.buyer, a_user()
    for answer in (await shop.pay(order), await shop.confirm(order)):
        assert (answer.status_code, messages(answer)) == (401, ["Not authorized"])
        assert code_of(answer, 401) == "not-authorized"
    order.buyer = owner
    for answer in (await shop.pay(order), await shop.confirm(order)):
        assert (answer.status_code, messages(answer)) == (400, ["Cannot pay for a cancelled order"])
        assert code_of(answer, 400) == "order-cancelled"
    assert shop.gateway.confirmations == 0


async def test_an_expired_order_cannot_be_paid(shop: Shop) -> None:
    order = await shop.order(expires_at=times.now() - timedelta(milliseconds=1))
    answer = await shop.pay(order)
    assert (answer.status_code, messages(answer)) == (400, ["Cannot pay for an expired order"])
    assert code_of(answer, 400) == "order-expired"
    assert shop.gateway.confirmations == 0


async def test_a_token_that_the_provider_does_not_know(shop: Shop) -> None:
    order = await shop.order()
    answer = await shop.pay(order, "tok_nobody")
    assert (answer.status_code, fields(answer)) == (400, {"token": "Token is not a valid payment method"})
    assert codes_of(answer, 400) == {"token": "token-invalid"}
    assert (await shop.pay(order)).status_code == 201


async def test_a_decline_has_the_providers_message_and_another_card_may_be_tried(shop: Shop) -> None:
    order = await shop.order()
    answer = await shop.pay(order, "tok_chargeDeclined")
    assert (answer.status_code, messages(answer)) == (402, ["Your card was declined."])
    assert code_of(answer, 402) == "card-declined"
    assert await shop.published() == []
    assert (await shop.pay(order)).status_code == 201
    assert [(i["key"], i["state"]) for i in await shop.intents(order)] == [
        (f"order:{order.id}", "authorized")
    ]


async def test_a_further_step_is_awaited_then_confirmed(shop: Shop) -> None:
    order = await shop.order()
    asked = await shop.pay(order, "tok_threeDSecure")
    assert (asked.status_code, asked.json()["status"]) == (201, "awaiting")
    assert asked.json()["clientSecret"]
    await shop.receive(order.updated("awaiting:payment"))
    assert (await shop.pay(order)).json() == asked.json()
    confirmed = await shop.confirm(order)
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "authorized")
    assert confirmed.json()["id"] == asked.json()["id"]
    assert (await shop.confirm(order)).json() == confirmed.json()
    assert await shop.published() == ["payment.awaiting:0", "payment.created:1"]
    await shop.receive(order.completed())
    assert await shop.states(order) == ["captured"]


async def test_a_further_step_that_fails_leaves_the_order_payable(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order, "tok_threeDSecureDeclined")
    answer = await shop.confirm(order)
    assert (answer.status_code, messages(answer)) == (402, ["Your card was declined."])
    assert code_of(answer, 402) == "card-declined"
    again = await shop.pay(order)
    assert (again.status_code, again.json()["status"]) == (201, "authorized")
    assert await shop.published() == ["payment.awaiting:0", "payment.created:1"]
    assert await shop.states(order) == ["authorized"]


async def test_a_second_card_may_ask_for_a_step_too(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order, "tok_threeDSecureDeclined")
    await shop.confirm(order)
    second = await shop.pay(order, "tok_threeDSecure")
    assert (second.json()["status"], bool(second.json()["clientSecret"])) == ("awaiting", True)
    assert (await shop.confirm(order)).json()["status"] == "authorized"
    assert await shop.published() == ["payment.awaiting:0", "payment.created:1"]


async def test_nothing_to_confirm(shop: Shop) -> None:
    answer = await shop.confirm(await shop.order())
    assert answer.status_code == 400


HOSTILE: list[Any] = [
    {"$gt": ""},
    ["a"],
    None,
    True,
    1e300,
    10**30,
    "\x00",
    "a\x00b",
    "x" * 100_000,
    "tok_\u202e",
    "../../v1/refunds",
    "tok_visa\nIdempotency-Key: x",
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("field", ["orderId", "token"])
async def test_hostile_values_are_bad_requests(shop: Shop, field: str, value: Any) -> None:
    order = await shop.order()
    body = {"orderId": order.id, "token": "tok_visa", field: value}
    answer = await shop.client.post("/api/payments", json=body, headers=signed_in(order.buyer))
    assert (answer.status_code, list(fields(answer))) == (400, [field])
    assert shop.gateway.confirmations == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b'{"orderId": 1e400}',
        b'{"token": "\\ud800", "orderId": "\\ud800"}',
        b'{"orderId": ' + b"[" * 5000,
    ],
)
@pytest.mark.parametrize("path", ["", "/confirm"])
async def test_hostile_bodies_are_bad_requests(shop: Shop, path: str, body: bytes) -> None:
    headers = {**signed_in(), "Content-Type": "application/json"}
    answer = await shop.client.post(f"/api/payments{path}", content=body, headers=headers)
    assert set(codes_of(answer, 400).values()) <= set(ErrorCode)


async def test_unknown_fields_and_other_refusals(shop: Shop) -> None:
    order = await shop.order()
    headers = signed_in(order.buyer)
    body = {"orderId": order.id, "token": "tok_visa", "amount": 1}
    answer = await shop.client.post("/api/payments", json=body, headers=headers)
    assert (answer.status_code, list(fields(answer))) == (400, ["amount"])
    assert (await shop.client.get("/api/payments", headers=headers)).status_code == 405
    big = {**body, "token": "x" * 1_000_000}
    assert (await shop.client.post("/api/payments", json=big, headers=headers)).status_code == 413
    cross = {**headers, "Origin": "https://elsewhere.test"}
    assert (await shop.client.post("/api/payments", json=body, headers=cross)).status_code == 403
    assert (
        await shop.client.post("/api/payments", json={"orderId": new_id()}, headers=headers)
    ).status_code == 400
