import time
from typing import Any

import pytest

from common.contract.error_codes import ErrorCode
from infra.verify.chaos import answers
from infra.verify.chaos.answers import Answer, is_expected
from infra.verify.chaos.ledger import LAG_SECONDS, Listing, Purchase


def refusal(status: int, code: str) -> Answer:
    return Answer(status, {"errors": [{"code": code, "message": "In some words"}]})


@pytest.fixture
def listing() -> Listing:
    return Listing("t", seller="s", version=0, title="Seat", cents=100)


@pytest.fixture
def purchase() -> Purchase:
    return Purchase("o", buyer="b", ticket_id="t", cents=100, expires=time.monotonic() + 60)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(201), True),
        (Answer(200), False),
        (Answer(0), True),
        (refusal(503, ErrorCode.UNAVAILABLE), True),
        (Answer(503, None), False),
        (Answer(502, {"detail": "x"}), False),
        (Answer(503, {"errors": [{"message": "Service unavailable"}]}), False),
        (refusal(500, ErrorCode.INTERNAL_ERROR), False),
        (refusal(400, "anything"), False),
        (refusal(404, ErrorCode.NOT_FOUND), False),
    ],
)
def test_without_an_explanation_only_the_success_and_outages_are_expected(
    answer: Answer, expected: bool
) -> None:
    assert is_expected(answer, 201, {}) is expected


def test_a_ticket_is_reserved_only_if_another_user_asked_for_it(listing: Listing) -> None:
    answer = refusal(400, ErrorCode.TICKET_RESERVED)
    listing.orders = 1
    assert not is_expected(answer, 201, answers.of_order(listing, "b"))
    listing.orders = 2
    assert is_expected(answer, 201, answers.of_order(listing, "b"))


def test_a_ticket_may_be_unknown_to_orders_for_a_while(listing: Listing) -> None:
    answer = refusal(404, ErrorCode.NOT_FOUND)
    assert is_expected(answer, 201, answers.of_order(listing, "b"))
    listing.since -= LAG_SECONDS + 1
    assert not is_expected(answer, 201, answers.of_order(listing, "b"))


def test_an_edit_is_refused_only_for_an_ordered_ticket(listing: Listing) -> None:
    answer = refusal(400, ErrorCode.TICKET_NOT_EDITABLE)
    assert not is_expected(answer, 200, answers.of_change(listing))
    listing.orders = 1
    assert is_expected(answer, 200, answers.of_change(listing))


@pytest.mark.parametrize(
    ("code", "status", "change"),
    [
        (ErrorCode.ORDER_CANCELLED, 400, {"cancelling": True}),
        (ErrorCode.ORDER_EXPIRED, 400, {"expires": 0.0}),
        (ErrorCode.CARD_DECLINED, 402, {"tokens": {"tok_chargeDeclined"}}),
        (ErrorCode.TOKEN_INVALID, 400, {"tokens": {"tok_unknown"}}),
        (ErrorCode.ORDER_PAID, 400, {"tokens": {"tok_visa"}}),
    ],
)
def test_a_payment_is_refused_only_for_a_reason(
    purchase: Purchase, code: str, status: int, change: dict[str, Any]
) -> None:
    assert not is_expected(refusal(status, code), 201, answers.of_payment(purchase))
    for name, value in change.items():
        setattr(purchase, name, value)
    assert is_expected(refusal(status, code), 201, answers.of_payment(purchase))
