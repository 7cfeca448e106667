"""Webhook: each event is verified, stored by id, and checked against the provider's own state."""

import json
import time
from typing import Any

import httpx
import pytest
from stripe import WebhookSignature

from common.base.ids import new_id
from common.base.money import Money
from common.testing.security import SecurityLines
from payments.gateway import Intent, State
from payments.settings import Settings
from payments.settlement import apply_intent
from payments.sweep import sweep_charges
from tests.orders import AnOrder
from tests.shop import Shop

SECRET = "whsec_of_tests"


def an_event(kind: str, intent_id: str, event_id: str | None = None, **claims: Any) -> str:
    intent = {"id": intent_id, "object": "payment_intent", **claims}
    event = {"id": event_id or f"evt_{new_id()}", "object": "event", "type": f"payment_intent.{kind}"}
    return json.dumps({**event, "data": {"object": intent}})


async def send(
    shop: Shop, payload: str, secret: str = SECRET, at: float | None = None, header: str | None = None
) -> httpx.Response:
    timestamp = int(time.time() if at is None else at)
    signed = WebhookSignature.generate_signature_header(payload, secret, timestamp)
    headers = {b"Stripe-Signature": (signed if header is None else header).encode()}
    return await shop.client.post("/api/payments/webhook", content=payload.encode(), headers=headers)


async def test_a_forged_event_is_in_the_security_log(shop: Shop, security_lines: SecurityLines) -> None:
    answer = await send(shop, an_event("succeeded", "pi_1"), secret="whsec_of_somebody_else")

    assert answer.status_code == 400
    (line,) = security_lines.lines
    assert (line["event"], line["code"]) == ("webhook_signature_fail", "signature-invalid")
    assert line["route"] == "/api/payments/webhook"
    assert "pi_1" not in security_lines.texts[0]


async def a_lost_authorisation(shop: Shop) -> tuple[AnOrder, str]:
    """Order and intent id of an authorisation that the provider has and this service lacks."""
    order = await shop.order()

    async def lose_the_provider() -> None:
        shop.gateway.down = True

    shop.gateway.before_confirm = lose_the_provider
    await shop.pay(order, "tok_timeout")
    shop.gateway.down = False
    [intent] = await shop.intents(order)
    return order, intent["_id"]


async def test_an_authorisation_that_was_lost_is_taken_in(shop: Shop) -> None:
    _, intent_id = await a_lost_authorisation(shop)
    answer = await send(shop, an_event("amount_capturable_updated", intent_id))
    assert answer.status_code == 200
    assert await shop.published() == ["payment.created:0"]
    assert await sweep_charges(shop.context) == 0


async def test_a_repeated_event_changes_nothing(shop: Shop) -> None:
    _, intent_id = await a_lost_authorisation(shop)
    event = an_event("amount_capturable_updated", intent_id)
    for _ in range(3):
        assert (await send(shop, event)).status_code == 200
    assert await shop.published() == ["payment.created:0"]


async def test_an_event_that_had_no_effect_yet_is_done_when_repeated(shop: Shop) -> None:
    _, intent_id = await a_lost_authorisation(shop)
    event = an_event("amount_capturable_updated", intent_id)
    shop.gateway.down = True
    assert (await send(shop, event)).status_code == 503
    shop.gateway.down = False
    assert (await send(shop, event)).status_code == 200
    assert await shop.published() == ["payment.created:0"]


async def test_the_state_in_an_event_is_ignored(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order)
    [intent] = await shop.intents(order)
    for kind in ("succeeded", "canceled", "payment_failed", "amount_capturable_updated"):
        assert (await send(shop, an_event(kind, intent["_id"], status=kind))).status_code == 200
    assert await shop.published() == ["payment.created:0"]
    assert (await shop.pay(order)).json()["status"] == "authorized"


async def test_shuffled_events_end_where_the_provider_is(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order)
    [intent] = await shop.intents(order)
    await shop.receive(order.completed())
    for kind in ("succeeded", "payment_failed", "amount_capturable_updated"):
        assert (await send(shop, an_event(kind, intent["_id"]))).status_code == 200
    assert await shop.published() == ["payment.created:0", "payment.captured:1"]


async def test_a_capture_that_was_not_saved_is_noted(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order)
    [intent] = await shop.intents(order)
    await shop.gateway.capture(intent["_id"], "by another process")
    await send(shop, an_event("succeeded", intent["_id"]))
    assert await shop.published() == ["payment.created:0", "payment.captured:1"]


async def test_an_authorisation_that_the_provider_voided_is_noted(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order)
    [intent] = await shop.intents(order)
    await shop.gateway.void(intent["_id"], "by hand")
    await send(shop, an_event("canceled", intent["_id"]))
    assert await shop.published() == ["payment.created:0", "payment.voided:1"]


async def test_a_further_step_that_the_sweep_did_not_find_and_comes_late_is_the_one_to_take(
    shop: Shop,
) -> None:
    order = await shop.order()

    async def crash() -> None:
        raise RuntimeError("killed")

    shop.gateway.after_confirm = crash
    assert (await shop.pay(order, "tok_threeDSecure")).status_code == 500
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    await shop.context.repositories.charges.fail(charge)
    [intent] = await shop.intents(order)
    await apply_intent(shop.context, Intent(intent["_id"], order.id, 1, State.AWAITING))
    assert (await shop.pay(order)).json()["status"] == "awaiting"
    assert len(await shop.intents(order)) == 1


async def test_a_step_that_was_taken_or_failed(shop: Shop) -> None:
    for token, kind, last in (
        ("tok_threeDSecure", "amount_capturable_updated", "payment.created:1"),
        ("tok_threeDSecureDeclined", "payment_failed", "payment.awaiting:0"),
    ):
        order = await shop.order()
        await shop.pay(order, token)
        [intent] = await shop.intents(order)
        await shop.gateway.after_step(intent["_id"])
        await send(shop, an_event(kind, intent["_id"]))
        assert (await shop.published())[-1] == last
        assert (await shop.pay(order)).json()["status"] == "authorized"


async def test_a_step_whose_intent_was_cancelled_by_hand_leaves_the_order_unpaid(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order, "tok_threeDSecure")
    [intent] = await shop.intents(order)
    await shop.gateway.void(intent["_id"], "by hand")
    assert (await shop.confirm(order)).status_code == 402
    assert (await shop.pay(order)).status_code == 402
    await shop.receive(order.cancelled())
    await sweep_charges(shop.context)
    assert (await shop.states(order), await sweep_charges(shop.context)) == (["voided"], 0)


async def test_intents_of_unknown_orders_are_left_alone(shop: Shop) -> None:
    stranger = AnOrder(price=Money(100))
    intent = await shop.gateway.create(stranger.id, 1, stranger.price)
    await shop.gateway.confirm(intent.id, "confirm:a", "tok_visa")
    for intent_id in (intent.id, "pi_unknown", ""):
        event = an_event("amount_capturable_updated", intent_id)
        assert (await send(shop, event)).status_code == 200
    assert await shop.states(stranger) == ["authorized"]
    assert await shop.published() == []


async def test_other_kinds_of_event_are_accepted(shop: Shop) -> None:
    assert (await send(shop, an_event("created", "pi_x"))).status_code == 200
    payload = json.dumps({"id": "evt_1", "type": "charge.refunded", "data": {"object": {"id": "ch_1"}}})
    assert (await send(shop, payload)).status_code == 200


@pytest.mark.parametrize("shift", [-301, -86_400, 302, 3_000])
async def test_a_time_that_is_not_about_now_is_refused(shop: Shop, shift: float) -> None:
    _, intent_id = await a_lost_authorisation(shop)
    event = an_event("amount_capturable_updated", intent_id)
    answer = await send(shop, event, at=time.time() + shift)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        400,
        "The webhook's signature is not valid",
    )
    assert await shop.published() == []


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        "t=1",
        "v1=abc",
        "t=,v1=",
        "t=1e9,v1=a",
        "t=99999999999999999999999999,v1=a",
        "t=" + "9" * 5000 + ",v1=a",
        "t=1,v1=é",
        "t=-1,v1=a,v0=b",
        "t=1,t=2,v1=a=b",
    ],
)
async def test_a_forged_header_is_refused(shop: Shop, header: str) -> None:
    assert (await send(shop, an_event("succeeded", "pi_x"), header=header)).status_code == 400


async def test_a_forged_event_is_refused_and_has_no_effect(shop: Shop) -> None:
    _, intent_id = await a_lost_authorisation(shop)
    event = an_event("amount_capturable_updated", intent_id)
    assert (await send(shop, event, secret="whsec_other")).status_code == 400
    signed = WebhookSignature.generate_signature_header(event, SECRET, int(time.time()))
    assert (await send(shop, event.replace("updated", "Updated"), header=signed)).status_code == 400
    assert await shop.published() == []


@pytest.mark.parametrize(
    "payload", ["", "null", "[]", "{}", '{"id": {"$gt": ""}, "type": "x", "data": {"object": {}}}', "\x00"]
)
async def test_a_signed_body_that_is_no_event_is_refused(shop: Shop, payload: str) -> None:
    assert (await send(shop, payload)).status_code == 400


async def test_a_body_that_is_no_text_is_refused(shop: Shop) -> None:
    headers = {"Stripe-Signature": f"t={int(time.time())},v1=a"}
    answer = await shop.client.post("/api/payments/webhook", content=b"\xff\xfe", headers=headers)
    assert answer.status_code == 400


class TestWithoutASecret:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"stripe_webhook_secret": ""})

    async def test_every_webhook_is_refused(self, shop: Shop) -> None:
        assert (await send(shop, an_event("succeeded", "pi_x"), secret="")).status_code == 400


class TestSeveralSecrets:
    """Stripe signs the events of sellers' accounts with the secret of another endpoint."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"stripe_webhook_secret": f"{SECRET}, whsec_of_accounts"})

    @pytest.mark.parametrize(
        ("secret", "status"), [(SECRET, 200), ("whsec_of_accounts", 200), ("whsec_of_none", 400)]
    )
    async def test_each_signs_events(self, shop: Shop, secret: str, status: int) -> None:
        answer = await send(shop, an_event("succeeded", "pi_1"), secret=secret)
        assert answer.status_code == status
