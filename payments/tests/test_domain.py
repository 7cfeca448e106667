"""Payment of an order: pure tests of the domain."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import PaymentAwaiting, PaymentCaptured, PaymentCreated, PaymentVoided
from common.messaging.events import Event
from payments.domain import Attempt, AttemptStatus, Order, Payment, Status
from payments.errors import StrayIntent
from payments.gateway import Charge, Intent, State

NOW = times.now()
ORDER = Order(new_id(), new_id(), "created", Money(1999), NOW + timedelta(minutes=15))


def an_attempt(previous: Attempt | None = None) -> Attempt:
    return Attempt.begin(ORDER, "tok_visa", previous, NOW, NOW)


def an_intent(name: str = "pi_1", attempt: int = 1, state: State = State.AUTHORIZED) -> Intent:
    return Intent(name, ORDER.id, attempt, state, client_secret="shh" if state is State.AWAITING else None)


def an_authorized() -> Payment:
    payment = Payment.of(an_attempt())
    payment.authorize(an_intent())
    payment.saved()
    return payment


def an_awaiting() -> Payment:
    payment = Payment.of(an_attempt())
    payment.await_owner(an_intent(state=State.AWAITING))
    payment.saved()
    return payment


# mypy narrows an attribute after a comparison and keeps that type after a method call. These functions read
# the attribute again.
def event_of(payment: Payment) -> Event | None:
    return payment.recorded


def status_of(payment: Payment) -> Status:
    return payment.status


def secret_of(payment: Payment) -> str | None:
    return payment.client_secret


def test_an_attempt_is_for_the_orders_buyer_price_and_card_with_an_unknown_outcome() -> None:
    check_at = NOW + timedelta(seconds=30)
    attempt = Attempt.begin(ORDER, "tok_visa", None, NOW, check_at)
    charge = Charge(ORDER.id, 1, f"order:{ORDER.id}:1", "tok_visa", Money(1999), NOW)
    assert attempt == Attempt(
        attempt.payment_id, ORDER.user_id, AttemptStatus.AUTHORIZING, charge, "", check_at
    )
    payment = Payment.of(attempt)
    assert (payment.id, payment.order_id, payment.user_id, payment.amount) == (
        *(attempt.payment_id, ORDER.id, ORDER.user_id),
        Money(1999),
    )


def test_attempts_are_numbered_and_keep_the_payments_id() -> None:
    first = an_attempt()
    second = an_attempt(first)
    assert (first.charge.key, second.charge.key) == (f"order:{ORDER.id}:1", f"order:{ORDER.id}:2")
    assert first.payment_id == second.payment_id
    assert second.charge.amount == Money(1999)


def test_an_authorised_payment_is_created() -> None:
    payment = Payment.of(an_attempt())
    payment.authorize(an_intent())
    assert event_of(payment) == PaymentCreated(id=payment.id, order_id=ORDER.id, stripe_id="pi_1")
    assert (payment.status, payment.next_version) == (Status.AUTHORIZED, 0)


def test_a_further_step_is_awaited_and_then_authorised() -> None:
    payment = Payment.of(an_attempt())
    payment.await_owner(an_intent(state=State.AWAITING))
    assert event_of(payment) == PaymentAwaiting(id=payment.id, order_id=ORDER.id)
    assert secret_of(payment) == "shh"
    payment.saved()
    # A secret is of no use to the page any more, also where the provider still names one.
    payment.authorize(replace(an_intent(), client_secret="shh"))
    assert event_of(payment) == PaymentCreated(id=payment.id, order_id=ORDER.id, stripe_id="pi_1")
    assert secret_of(payment) is None


def test_a_later_attempt_takes_the_place_of_a_step_that_was_not_taken() -> None:
    payment = an_awaiting()
    payment.await_owner(an_intent("pi_1", 1, State.AWAITING))
    assert event_of(payment) is None
    payment.await_owner(an_intent("pi_2", 2, State.AWAITING))
    assert (payment.intent_id, payment.attempt) == ("pi_2", 2)


def test_the_same_authorisation_again_changes_nothing() -> None:
    payment = an_authorized()
    payment.authorize(an_intent())
    payment.await_owner(an_intent(state=State.AWAITING))
    assert event_of(payment) is None


@pytest.mark.parametrize("end", ["authorized", "captured", "voided"])
def test_another_authorisation_is_a_stray(end: str) -> None:
    payment = an_authorized()
    if end != "authorized":
        (payment.capture if end == "captured" else payment.void)()
        payment.saved()
    for change in (payment.authorize, payment.await_owner):
        with pytest.raises(StrayIntent):
            change(an_intent("pi_2", 2))
    assert payment.intent_id == "pi_1"


def test_only_an_authorised_payment_is_captured_and_once() -> None:
    payment = an_authorized()
    payment.capture()
    assert event_of(payment) == PaymentCaptured(id=payment.id, order_id=ORDER.id)
    assert status_of(payment) is Status.CAPTURED
    payment.saved()
    payment.capture()
    payment.void()
    assert event_of(payment) is None
    awaiting = an_awaiting()
    awaiting.capture()
    assert (event_of(awaiting), status_of(awaiting)) == (None, Status.AWAITING)


@pytest.mark.parametrize("make", [an_authorized, an_awaiting])
def test_an_open_payment_is_voided_and_once(make: Callable[[], Payment]) -> None:
    payment = make()
    payment.void()
    assert event_of(payment) == PaymentVoided(id=payment.id, order_id=ORDER.id)
    payment.saved()
    payment.void()
    payment.capture()
    assert (event_of(payment), status_of(payment)) == (None, Status.VOIDED)
    assert secret_of(payment) is None


def test_when_an_order_can_be_paid() -> None:
    late = ORDER.expires_at
    assert ORDER.is_payable(NOW)
    assert not ORDER.is_payable(late)
    assert replace(ORDER, status="awaiting:payment").is_payable(late)
    assert not replace(ORDER, status="cancelled").is_payable(NOW)
    assert not replace(ORDER, status="complete").is_payable(NOW)
