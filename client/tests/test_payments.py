import httpx
import pytest
from fastapi import FastAPI
from tests.conftest import SETTINGS, As
from tests.dom import alerts, error_of, page
from tests.fake_apis import FakeApis

from client.app import create_app
from client.refusals import OrderNotPayableYet, PaymentOutcomeUnknown
from common.base.ids import new_id
from common.testing.browser import a_user, running, signed_in
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream


async def test_paying_shows_the_paid_order_once_its_event_arrived(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    apis.lag = 3
    browser = as_user(buyer)

    answer = await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})
    shown = page(await browser.get(answer.headers["location"]))

    assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order.id}?paid=1")
    assert shown.one("span", cls="badge").text == "Paid"
    assert len(apis.calls("GET", f"/api/orders/{order.id}")) == 4


async def test_an_order_that_takes_longer_is_processed_and_looked_at_again(
    as_user: As, apis: FakeApis
) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    apis.lag = 10_000

    browser = as_user(buyer)
    await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})
    shown = page(await browser.get(f"/orders/{order.id}?paid=1"))

    assert "Your payment is being processed" in shown.one("p", role="status").text
    assert shown.one("meta", **{"http-equiv": "refresh"})["content"] == "3"
    assert shown.one("main").all("form") == []


async def test_a_declined_card_gives_the_providers_words_and_another_try(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    browser = as_user(buyer)

    declined = await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_chargeDeclined"})
    paid = await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})

    assert declined.status_code == 402
    assert alerts(page(declined)) == ["Your card was declined."]
    assert page(declined).all("input", name_="token")
    assert paid.status_code == 303
    assert apis.charges == [order.id]


async def test_an_unknown_card_is_reported_beside_its_field(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)

    answer = await as_user(buyer).post(f"/orders/{order.id}/pay", data={"token": "tok_nope"})

    assert answer.status_code == 400
    assert error_of(page(answer), "token") == "Token is not a valid payment method"


async def test_submitting_twice_charges_once(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    browser = as_user(buyer)

    for _ in range(2):
        answer = await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})
        assert answer.status_code == 303
    for _ in range(2):
        shown = page(await browser.get(f"/orders/{order.id}?paid=1"))
        assert shown.one("span", cls="badge").text == "Paid"

    assert apis.charges == [order.id]


async def test_a_cancelled_order_can_not_be_paid(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="cancelled")

    answer = await as_user(buyer).post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["Cannot pay for a cancelled order"]
    assert apis.charges == []


async def test_an_answer_that_got_lost_is_explained_and_safe_to_repeat(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    apis.answer_lost = True
    browser = as_user(buyer)

    answer = await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})

    assert answer.status_code == 503
    assert alerts(page(answer)) == [PaymentOutcomeUnknown.default_message]
    assert page(await browser.get(f"/orders/{order.id}")).one("span", cls="badge").text == "Paid"


async def test_the_banks_further_step(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    browser = as_user(buyer)

    asked = await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_threeDSecure"})
    shown = page(await browser.get(asked.headers["location"]))
    form = shown.one("form", action=f"/orders/{order.id}/confirm")
    apis.lag = 2
    confirmed = await browser.post(form["action"])
    paid = page(await browser.get(confirmed.headers["location"]))

    assert form.text == "Confirm with your bank"
    assert confirmed.headers["location"] == f"/orders/{order.id}?confirmed=1"
    assert paid.one("span", cls="badge").text == "Paid"


async def test_after_a_failed_confirmation_another_card_can_pay(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="awaiting:payment")
    apis.bank_refuses = True
    browser = as_user(buyer)

    refused = await browser.post(f"/orders/{order.id}/confirm")
    form = page(refused).one("form", action=f"/orders/{order.id}/pay")
    sent = {field["name"]: field["value"] for field in form.all("input")} | {"token": "tok_visa"}
    apis.lag = 2
    paid = await browser.post(form["action"], data=sent)
    shown = page(await browser.get(paid.headers["location"]))

    assert refused.status_code == 402
    assert alerts(page(refused)) == ["Your card was declined."]
    assert shown.one("span", cls="badge").text == "Paid"


async def test_a_confirmation_that_is_refused_says_why(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)

    answer = await as_user(buyer).post(f"/orders/{order.id}/confirm")

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["No payment of this order waits for a confirmation"]


async def test_a_payment_waits_until_the_payments_service_knows_the_order(
    as_user: As, apis: FakeApis
) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    apis.behind = 3

    answer = await as_user(buyer).post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})

    assert answer.headers["location"] == f"/orders/{order.id}?paid=1"
    assert apis.charges == [order.id]


async def test_a_payment_does_not_wait_for_ever(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    apis.behind = 10_000

    answer = await as_user(buyer).post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})

    assert answer.status_code == 503
    assert alerts(page(answer)) == [OrderNotPayableYet.default_message]
    assert apis.charges == []


async def test_an_order_that_does_not_exist_can_not_be_paid(as_user: As, apis: FakeApis) -> None:
    answer = await as_user(a_user()).post(f"/orders/{new_id()}/pay", data={"token": "tok_visa"})

    assert answer.status_code == 404
    assert len(apis.calls("POST", "/api/payments")) == 1


async def test_another_users_order_can_not_be_paid(as_user: As, apis: FakeApis) -> None:
    order = apis.order(a_user())

    answer = await as_user(a_user()).post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})

    assert answer.status_code == 401
    assert apis.charges == []


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.PoolTimeout("busy")])
async def test_a_payment_into_an_outage_is_a_503(as_user: As, apis: FakeApis, failure: Exception) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    apis.failure = failure

    assert (await as_user(buyer).post(f"/orders/{order.id}/pay", data={"token": "x"})).status_code == 503


@pytest.fixture
def stripe_app(apis: FakeApis, hints: FakeHints) -> FastAPI:
    settings = SETTINGS.model_copy(update={"stripe_publishable_key": "pk_test_1"})
    return create_app(settings, transport=apis, hints=hints, stream=FakeStream())


async def test_with_a_key_the_card_is_given_to_stripe_on_that_page_alone(
    stripe_app: FastAPI, apis: FakeApis
) -> None:
    buyer = a_user()
    order, paid = apis.order(buyer, apis.sell("Opera", "12.5")), apis.order(buyer, status="complete")
    async with running(stripe_app) as browser:
        browser.headers.update(signed_in(buyer))
        answer = await browser.get(f"/orders/{order.id}")
        others = [await browser.get(path) for path in ("/", "/orders", f"/orders/{paid.id}")]

    shown = page(answer)
    form = shown.one("form", id="payment")
    assert (form["data-key"], form["data-amount"]) == ("pk_test_1", "1250")
    assert form.one("input", name_="token")["type"] == "hidden"
    assert "https://js.stripe.com/v3/" in [script["src"] for script in shown.all("script")]
    assert "script-src 'self' https://js.stripe.com;" in answer.headers["content-security-policy"]
    for other in others:
        assert other.headers.get_list("content-security-policy") != []
        assert "stripe" not in other.headers["content-security-policy"]
        assert "js.stripe.com" not in other.text


async def test_the_banks_step_is_taken_with_the_payments_secret(stripe_app: FastAPI, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="awaiting:payment")
    apis.client_secret = "pi_1_secret_2"
    async with running(stripe_app) as browser:
        browser.headers.update(signed_in(buyer))
        shown = page(await browser.get(f"/orders/{order.id}"))

    assert shown.one("form", id="confirmation")["data-secret"] == "pi_1_secret_2"
    assert apis.charges == []
