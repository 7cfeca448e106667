"""The words of a journey, over events and records that were made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from common.messaging.stream import Stored
from infra.verify.journey.states import States
from infra.verify.journey.steps import Step, awaited, cause_of, of_order
from infra.verify.journey.text import duration, journey

BEGAN = datetime(2027, 5, 31, 12, tzinfo=UTC)
ORDER, OTHER, TICKET, PAYMENT = "a" * 24, "b" * 24, "c" * 24, "d" * 24


def a_step(sequence: int, kind: str, seconds: float, *, late: float = 0.0, **body: Any) -> Step:
    sealed = BEGAN + timedelta(seconds=seconds)
    headers = {
        "ce-time": sealed.isoformat(),
        "ce-source": "/orders",
        "X-Request-Id": "a-request",
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
    }
    subject, data = f"{kind}.{ORDER}", orjson.dumps(body)
    return Step.of(Stored(sequence, subject, data, headers, sealed + timedelta(seconds=late)))


def paid() -> list[Step]:
    return [
        a_step(1, "ticket.created", 0, version=0),
        a_step(2, "ticket.updated", 1, version=1, orderId=OTHER),
        a_step(3, "ticket.updated", 2, version=2, orderId=None),
        a_step(4, "order.created", 3, version=0),
        a_step(5, "ticket.updated", 3.012, version=3, orderId=ORDER),
        a_step(6, "payment.created", 10, stripeId="pi_1"),
    ]


def test_a_tickets_events_of_other_orders_are_left_out() -> None:
    freed = [a_step(7, "ticket.updated", 11, version=4, orderId=None)]
    later = [a_step(8, "ticket.updated", 12, version=5, orderId=OTHER)]

    assert [step.sequence for step in of_order(ORDER, [*later, *freed, *paid()])] == [1, 4, 5, 6, 7]


def test_a_step_has_the_latest_cause_before_it() -> None:
    *earlier, held = of_order(ORDER, paid())[:3]

    cause = cause_of(held, earlier)

    assert cause is not None
    assert cause.kind == "order.created"
    assert cause_of(earlier[0], []) is None


def test_what_a_service_has_not_followed_yet_is_named() -> None:
    steps = of_order(ORDER, paid())

    assert [words for _, words in awaited(steps)] == [
        "orders: no order.completed or order.cancelled after payment.created"
    ]
    completed = [*steps, a_step(7, "order.completed", 11, version=1)]
    assert [words for _, words in awaited(completed)] == [
        "payments: no payment.captured after order.completed v1"
    ]
    assert awaited([*completed, a_step(8, "payment.captured", 12)]) == []


def test_the_text_has_each_step_the_states_and_what_is_waited_for() -> None:
    steps = of_order(ORDER, [*paid(), a_step(7, "order.completed", 11, late=2.5, version=1)])
    order = {"_id": ORDER, "version": 1, "status": "complete", "user_id": "u", "outbox": [{"id": "an-event"}]}
    payment = {"_id": PAYMENT, "status": "authorized", "client_secret": "secret"}
    states = States(order, None, payment, None, [{"_id": "pi_1", "state": "authorized"}], ["orders: a, b"])

    text = journey(ORDER, steps, states, BEGAN + timedelta(minutes=5))

    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0] == f"order {ORDER}"
    assert [line.split()[:2] for line in lines[3:8]] == [
        ["2027-05-31", "12:00:00.000"],
        ["2027-05-31", "12:00:03.000"],
        ["2027-05-31", "12:00:03.012"],
        ["2027-05-31", "12:00:10.000"],
        ["2027-05-31", "12:00:13.500"],
    ]
    assert lines[5].endswith("12 ms after order.created v0")
    assert lines[6].endswith("stripeId pi_1")
    assert lines[7].endswith("1.0 s after payment.created; 2.5 s in the outbox")
    assert lines[9:] == [
        "now",
        "  orders    order    version 1, status complete, not published: an-event",
        "  tickets   ticket   none",
        f"  payments  payment  id {PAYMENT}, status authorized",
        "            charge   none",
        "  provider  intent   id pi_1, state authorized",
        "  parked    orders: a, b",
        "",
        "waits",
        "  payments: no payment.captured after order.completed v1, for 4.8 min",
    ]
    assert "secret" not in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0124, "12 ms"), (4.1, "4.1 s"), (900, "15.0 min"), (7_200, "2.0 h"), (302_400, "3.5 d")],
)
def test_a_duration_is_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
