"""Contradictions with the answers that the buyers of the races received. Other checks: test_reconcile.py."""

from dataclasses import replace
from typing import Any

import pytest

from infra.verify.faults.cases import COMPLETE, UNTOUCHED, VOIDED, Case, Records, judge

CASE = Case("cancel tok_visa", "o", "t", 1999, refused=False)
TICKET = {"_id": "t"}


def order(status: str, cents: int = 1999, ticket: str = "t") -> dict[str, Any]:
    return {"_id": "o", "status": status, "ticket": {"id": ticket, "price_cents": cents}}


SOLD = Records(order("complete"), TICKET, {"status": "captured"}, [{"state": "captured"}])
GIVEN_BACK = Records(order("cancelled"), TICKET, {"status": "voided"}, [{"state": "voided"}])
UNPAID = Records(order("cancelled"), TICKET, None, [{"state": "declined"}])


@pytest.mark.parametrize(
    ("records", "outcome"), [(SOLD, COMPLETE), (GIVEN_BACK, VOIDED), (UNPAID, UNTOUCHED)]
)
def test_an_outcome_that_fits_the_answers_has_nothing_wrong(records: Records, outcome: str) -> None:
    assert judge(CASE, records) == (outcome, [])


@pytest.mark.parametrize(
    ("case", "records", "wrong"),
    [
        (CASE, replace(UNPAID, order=order("created")), "the order is created"),
        (CASE, replace(UNPAID, order=None), "the order or its ticket is gone"),
        (CASE, replace(UNPAID, ticket=None), "the order or its ticket is gone"),
        (CASE, replace(SOLD, order=order("complete", cents=1998)), "ordered t at 1999, stored"),
        (CASE, replace(SOLD, order=order("complete", ticket="t2")), "ordered t at 1999, stored"),
        (replace(CASE, refused=True), SOLD, "complete, and its buyer was refused"),
    ],
)
def test_an_order_that_contradicts_an_answer_is_named(case: Case, records: Records, wrong: str) -> None:
    (seen,) = judge(case, records)[1]

    assert wrong in seen
