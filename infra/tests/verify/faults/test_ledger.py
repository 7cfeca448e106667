"""The judge of the money: each way to lose or take a cent too many is seen."""

from dataclasses import replace
from typing import Any

import pytest

from infra.verify.faults.ledger import COMPLETE, UNTOUCHED, VOIDED, Case, Records, judge

CASE = Case("cancel tok_visa", "o", "t", 1999, refused=False)


def intent(state: str, name: str = "pi", cents: int = 1999, captures: int = 0) -> dict[str, Any]:
    return {"_id": name, "state": state, "amount_cents": cents, "captures": captures}


def order(status: str, payment: str | None) -> dict[str, Any]:
    return {"_id": "o", "status": status, "payment": payment, "ticket": {"price_cents": 1999}}


SOLD = Records(
    order=order("complete", "captured"),
    ticket={"_id": "t", "sold": True, "order_id": "o"},
    payment={"status": "captured", "intent_id": "pi"},
    intents=[intent("captured", captures=1), intent("declined", "pi_before")],
)
GIVEN_BACK = Records(
    order=order("cancelled", "voided"),
    ticket={"_id": "t", "order_id": None},
    payment={"status": "voided", "intent_id": "pi"},
    intents=[intent("voided")],
)
UNPAID = Records(order=order("cancelled", None), ticket={"_id": "t"}, payment=None, intents=[])


@pytest.mark.parametrize(
    ("records", "outcome"), [(SOLD, COMPLETE), (GIVEN_BACK, VOIDED), (UNPAID, UNTOUCHED)]
)
def test_what_should_be_is_well(records: Records, outcome: str) -> None:
    assert judge(CASE, records) == (outcome, [])


TWICE = [intent("captured", captures=1), intent("captured", "pi_2", captures=1)]


@pytest.mark.parametrize(
    ("records", "wrong"),
    [
        (replace(SOLD, intents=TWICE), "complete, and charged 2 times"),
        (replace(SOLD, intents=[intent("captured", captures=2)]), "complete, and charged 2 times"),
        (replace(SOLD, intents=[intent("voided")]), "complete, and charged 0 times"),
        (replace(SOLD, intents=[intent("captured", cents=1998, captures=1)]), "amounts differ: [1998, 1999]"),
        (replace(SOLD, intents=[*SOLD.intents, intent("authorized", "pi_3")]), "pi_3 is still reserved"),
        (
            replace(SOLD, payment={"status": "captured", "intent_id": "pi_2"}),
            "by an intent that is not the payment's",
        ),
        (
            replace(SOLD, order=order("complete", "authorized")),
            "payment is captured, shown as authorized",
        ),
        (replace(SOLD, ticket={"_id": "t", "order_id": "o"}), "the ticket is not sold to it"),
        (replace(GIVEN_BACK, intents=[intent("captured", captures=1)]), "cancelled, and charged by pi"),
        (replace(GIVEN_BACK, intents=[intent("authorized")]), "pi is still reserved"),
        (replace(GIVEN_BACK, order=order("cancelled", None)), "payment is voided, shown as None"),
        (
            replace(UNPAID, payment={"status": "authorized", "intent_id": "pi"}),
            "payment is authorized, shown as None",
        ),
        (replace(UNPAID, ticket={"_id": "t", "order_id": "o"}), "the ticket is not free"),
        (replace(UNPAID, order=order("created", None)), "the order is created"),
        (replace(UNPAID, order=None), "the order or its ticket is gone"),
    ],
)
def test_what_should_not_be_is_seen(records: Records, wrong: str) -> None:
    (seen,) = judge(CASE, records)[1]

    assert wrong in seen


def test_an_order_that_completed_for_a_buyer_who_was_refused_is_seen() -> None:
    assert judge(replace(CASE, refused=True), SOLD)[1] == ["complete, and its buyer was refused"]
