from datetime import UTC, datetime, timedelta

import pytest

from common.base.ids import is_id
from common.base.money import Money
from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderRefunded,
    OrderUpdated,
    TicketRef,
)
from orders.domain import Order, PaymentState, Sale, Status, Ticket
from orders.errors import NotDue, OrderComplete
from orders.fulfilment.terms import Terms

DUE = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOLD = timedelta(minutes=15)
PAID = DUE - timedelta(minutes=5)
MILLISECOND = timedelta(milliseconds=1)
TERMS = Terms()
SALE = Sale("seller")
TICKET = Ticket("ticket", "Concert", Money(2000))


def an_order(status: Status = Status.CREATED) -> Order:
    order = Order.place("buyer", TICKET, DUE)
    order.saved()
    if status is Status.AWAITING_PAYMENT:
        order.await_payment()
    elif status is Status.COMPLETE:
        order.complete(PAID, SALE, TERMS)
    elif status is Status.CANCELLED:
        order.cancel(DUE)
    if status is not Status.CREATED:
        order.saved()
    return order


OPEN = [Status.CREATED, Status.AWAITING_PAYMENT]
ENDED = [Status.COMPLETE, Status.CANCELLED]


def test_placing_is_version_0_of_a_new_order_that_reserves_its_ticket() -> None:
    order = Order.place("buyer", TICKET, DUE)

    assert is_id(order.id)
    assert order.recorded == OrderCreated(
        id=order.id,
        version=0,
        status="created",
        user_id="buyer",
        expires_at=DUE,
        ticket=OrderedTicket(id="ticket", price=Money(2000)),
    )
    assert (order.user_id, order.status, order.payment) == ("buyer", Status.CREATED, None)
    assert order.reservation == "ticket"


@pytest.mark.parametrize("status", OPEN)
def test_a_cancellation_gives_the_ticket_up(status: Status) -> None:
    order = an_order(status)

    order.cancel(DUE)

    assert order.recorded == OrderCancelled(
        id=order.id,
        version=order.version + 1,
        ticket=TicketRef(id="ticket"),
        ended_because="cancelled",
        ended_at=DUE,
    )
    assert (order.status, order.reservation, order.ended_at) == (Status.CANCELLED, None, DUE)


def test_a_cancellation_again_changes_nothing() -> None:
    order = an_order(Status.CANCELLED)

    order.cancel(DUE)

    assert order.recorded is None


def test_a_complete_order_cannot_be_cancelled() -> None:
    order = an_order(Status.COMPLETE)

    with pytest.raises(OrderComplete, match="Cannot cancel a completed order"):
        order.cancel(DUE)

    assert (order.status, order.recorded) == (Status.COMPLETE, None)


def test_an_order_does_not_expire_a_millisecond_early() -> None:
    order = an_order()

    with pytest.raises(NotDue):
        order.expire(DUE - MILLISECOND, HOLD)

    assert (order.status, order.recorded) == (Status.CREATED, None)


def test_an_order_expires_at_its_moment() -> None:
    order = an_order()

    order.expire(DUE, HOLD)

    assert isinstance(order.recorded, OrderCancelled)
    assert order.ended_because == order.recorded.ended_because == "expired"
    assert order.ended_at == order.recorded.ended_at == DUE
    assert (order.status, order.reservation) == (Status.CANCELLED, None)


def test_an_order_that_awaits_its_card_has_one_more_hold() -> None:
    order = an_order(Status.AWAITING_PAYMENT)

    order.expire(DUE + HOLD - MILLISECOND, HOLD)

    assert (order.status, order.recorded) == (Status.AWAITING_PAYMENT, None)


def test_an_order_that_awaits_its_card_has_no_second_further_hold() -> None:
    order = an_order(Status.AWAITING_PAYMENT)

    order.expire(DUE + HOLD, HOLD)

    assert isinstance(order.recorded, OrderCancelled)
    assert (order.status, order.reservation) == (Status.CANCELLED, None)


def test_the_reason_of_an_end_stays_whatever_follows() -> None:
    order = an_order(Status.CANCELLED)

    order.expire(DUE + 10 * HOLD, HOLD)
    order.cancel(DUE + 11 * HOLD)
    order.settle(PaymentState.VOIDED)

    assert (order.ended_because, order.ended_at) == ("cancelled", DUE)


@pytest.mark.parametrize(
    ("status", "until"),
    [
        (Status.CREATED, DUE),
        (Status.AWAITING_PAYMENT, DUE + HOLD),
        (Status.COMPLETE, None),
        (Status.CANCELLED, None),
    ],
)
def test_an_order_says_until_when_it_holds_its_ticket(status: Status, until: datetime | None) -> None:
    assert an_order(status).held_until(HOLD) == until


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_order_does_not_expire(status: Status) -> None:
    order = an_order(status)

    order.expire(DUE + 10 * HOLD, HOLD)

    assert (order.status, order.recorded) == (status, None)


def test_a_card_s_further_step_makes_the_order_wait() -> None:
    order = an_order()

    order.await_payment()

    assert order.recorded == OrderUpdated(
        id=order.id, version=1, status="awaiting:payment", ticket=TicketRef(id="ticket")
    )
    assert order.reservation == "ticket"


@pytest.mark.parametrize("status", [Status.AWAITING_PAYMENT, *ENDED])
def test_only_a_new_order_begins_to_wait(status: Status) -> None:
    order = an_order(status)

    order.await_payment()

    assert (order.status, order.recorded) == (status, None)


@pytest.mark.parametrize("status", OPEN)
def test_an_authorised_payment_completes_the_order_which_keeps_its_ticket(status: Status) -> None:
    order = an_order(status)

    order.complete(PAID, SALE, TERMS)

    assert order.recorded == OrderCompleted(
        id=order.id,
        version=order.version + 1,
        ticket=TicketRef(id="ticket"),
        completed_at=PAID,
        deliver_by=PAID + TERMS.delivery,
    )
    assert (order.status, order.payment) == (Status.COMPLETE, PaymentState.AUTHORIZED)
    assert order.completed_at == PAID
    assert order.reservation == "ticket"


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_order_is_not_completed(status: Status) -> None:
    order = an_order(status)

    order.complete(PAID, SALE, TERMS)

    assert (order.status, order.recorded) == (status, None)


@pytest.mark.parametrize("payment", [PaymentState.CAPTURED, PaymentState.VOIDED])
@pytest.mark.parametrize("status", ENDED)
def test_the_outcome_of_a_payment_is_noted_once(status: Status, payment: PaymentState) -> None:
    order = an_order(status)

    order.settle(payment)

    assert order.payment is payment
    if status is Status.COMPLETE and payment is PaymentState.VOIDED:
        # Nothing is to be handed over for money that was never taken.
        assert isinstance(order.recorded, OrderRefunded)
    else:
        assert isinstance(order.recorded, OrderUpdated)
        assert order.recorded.status == status
    order.saved()

    order.settle(payment)
    assert order.recorded is None
