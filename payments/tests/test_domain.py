"""Payment of an order: pure tests of the domain."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import (
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentDisputed,
    PaymentVoided,
)
from common.messaging.events import Event
from payments.domain import Charge, ChargeStatus, Payment, Status
from payments.errors import StrayIntent
from payments.gateway import DisputeState, Intent, State
from payments.ledger import Movement
from payments.order import Order

NOW = times.now()
ORDER = Order(new_id(), new_id(), "created", Money(1999), NOW + timedelta(minutes=15))


def a_charge() -> Charge:
    return Charge.of(ORDER, NOW).with_card(NOW, NOW)


def an_intent(name: str = "pi_1", number: int = 1, state: State = State.AUTHORIZED) -> Intent:
    return Intent(name, ORDER.id, number, state, client_secret="shh" if state is State.AWAITING else None)


def an_authorized() -> Payment:
    payment = Payment.of(a_charge())
    payment.authorize(an_intent())
    payment.saved()
    return payment


def an_awaiting() -> Payment:
    payment = Payment.of(a_charge())
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


def test_a_charge_is_for_the_orders_buyer_and_price_and_waits_for_its_intent() -> None:
    charge = Charge.of(ORDER, NOW)
    assert (charge.order_id, charge.user_id, charge.amount) == (ORDER.id, ORDER.user_id, Money(1999))
    assert (charge.status, charge.intent_id, charge.due_at) == (ChargeStatus.READY, "", NOW)
    payment = Payment.of(charge)
    assert (payment.id, payment.order_id, payment.user_id, payment.amount) == (
        *(charge.payment_id, ORDER.id, ORDER.user_id),
        Money(1999),
    )


def test_each_card_has_a_key_of_its_own_on_the_same_intent() -> None:
    due_at = NOW + timedelta(seconds=30)
    first = Charge.of(ORDER, NOW).with_card(NOW, due_at)
    second = replace(first, status=ChargeStatus.DECLINED, decline_reason="no").with_card(NOW, due_at)
    assert (second.status, second.decline_reason, second.due_at) == (ChargeStatus.CONFIRMING, "", due_at)
    assert first.key != second.key
    assert replace(second, key=first.key) == first


def test_a_card_after_attempts_of_the_last_release_has_the_next_number() -> None:
    attempt = replace(Charge.of(ORDER, NOW), number=3, intent_number=0)
    charge = attempt.with_card(NOW, NOW)
    assert (charge.number, charge.intent_number, charge.is_on_intent) == (4, 4, True)
    assert charge.with_card(NOW, NOW).number == 4
    assert not replace(charge, number=5).is_on_intent


@pytest.mark.parametrize("state", State)
def test_an_outcome_is_that_of_the_latest_card(state: State) -> None:
    charge = replace(a_charge(), decline_id="ch_1")
    assert charge.has_outcome(an_intent(state=state)) == (state is not State.PENDING)
    assert not charge.has_outcome(replace(an_intent(state=State.DECLINED), decline_id="ch_1"))


def test_an_authorised_payment_is_created() -> None:
    payment = Payment.of(a_charge())
    payment.authorize(an_intent())
    assert event_of(payment) == PaymentCreated(id=payment.id, order_id=ORDER.id, stripe_id="pi_1")
    assert (payment.status, payment.next_version) == (Status.AUTHORIZED, 0)


def test_a_further_step_is_awaited_and_then_authorised() -> None:
    payment = Payment.of(a_charge())
    payment.await_owner(an_intent(state=State.AWAITING))
    assert event_of(payment) == PaymentAwaiting(id=payment.id, order_id=ORDER.id)
    assert secret_of(payment) == "shh"
    payment.saved()
    # A secret is of no use to the page any more, also where the provider still names one.
    payment.authorize(replace(an_intent(), client_secret="shh"))
    assert event_of(payment) == PaymentCreated(id=payment.id, order_id=ORDER.id, stripe_id="pi_1")
    assert secret_of(payment) is None


def test_the_next_cards_step_is_no_event_and_another_intents_is_one() -> None:
    payment = an_awaiting()
    payment.await_owner(an_intent(state=State.AWAITING))
    assert event_of(payment) is None
    payment.await_owner(an_intent("pi_2", 2, State.AWAITING))
    assert (payment.intent_id, payment.attempt) == ("pi_2", 2)
    assert event_of(payment) == PaymentAwaiting(id=payment.id, order_id=ORDER.id)


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


def a_captured_payment() -> Payment:
    payment = Payment(id=new_id(), version=0, order_id=ORDER.id, user_id=ORDER.user_id, amount=ORDER.price)
    payment.status, payment.seller_id = Status.AUTHORIZED, "seller"
    payment.capture()
    payment.saved()
    return payment


def _events_of(payment: Payment, *changes: Callable[[Payment], None]) -> list[str]:
    """Subjects of the events of the changes; "" for a change that is none."""
    subjects = []
    for change in changes:
        change(payment)
        subjects.append("" if payment.recorded is None else str(payment.recorded.subject))
        payment.saved()
    return subjects


def _pay_out(payment: Payment) -> None:
    payment.pay_out(Money(1900))


def test_money_that_went_to_one_side_never_goes_to_the_other() -> None:
    assert _events_of(a_captured_payment(), Payment.refund, _pay_out, Payment.refund) == [
        "payment.refunded",
        "",
        "",
    ]
    assert _events_of(a_captured_payment(), _pay_out, Payment.refund, _pay_out) == ["payout.made", "", ""]


def test_money_that_was_not_captured_goes_to_no_side() -> None:
    payment = Payment(id=new_id(), order_id=ORDER.id, user_id=ORDER.user_id, amount=ORDER.price)
    payment.status = Status.AUTHORIZED
    assert _events_of(payment, Payment.refund, _pay_out) == ["", ""]
    assert payment.entries == ()


@pytest.mark.parametrize(
    ("states", "events"),
    [
        ("open open won", [True, None, False]),
        ("open won open lost", [True, False, True, False]),
        ("lost won open", [False, None, None]),
        ("won", [None]),
    ],
)
def test_a_dispute_is_an_event_when_it_begins_and_when_it_ends(
    states: str, events: list[bool | None]
) -> None:
    payment, seen = a_captured_payment(), list[bool | None]()
    for state in states.split():
        payment.show_dispute(DisputeState(state))
        recorded = payment.recorded
        seen.append(recorded.open if isinstance(recorded, PaymentDisputed) else None)
        payment.saved()
    assert seen == events


def test_each_movement_sums_to_zero() -> None:
    payment = a_captured_payment()
    payment.pay_out(Money(1900))
    payment.saved()
    payment.show_dispute(DisputeState.LOST)
    sums: Counter[Movement] = Counter()
    for entry in payment.entries:
        sums[entry.movement] += entry.cents
    assert dict(sums) == {Movement.CAPTURE: 0, Movement.PAYOUT: 0, Movement.LOSS: 0}
