"""The judge of the mails about sales."""

import pytest

from infra.verify.faults.mails import Received, Sale, judge

SALES = [
    Sale("1", "buyer@shop.test", "seller@shop.test", "A"),
    Sale("2", "buyer@refused.test", "seller@shop.test", "B"),
]
GOOD = [
    Received("buyer@shop.test", 'You bought "A"', "<1>"),
    Received("seller@shop.test", 'You sold "A"', "<2>"),
    Received("seller@shop.test", 'You sold "B"', "<3>"),
]


def test_each_sale_has_its_two_mails_but_for_a_refused_address() -> None:
    verdict = judge(SALES, GOOD)

    assert (verdict.expected, verdict.repeated, verdict.wrong) == (3, 0, [])


def test_a_delivery_with_a_known_message_id_is_a_repetition() -> None:
    verdict = judge(SALES, [*GOOD, GOOD[0]])

    assert (verdict.repeated, verdict.wrong) == (1, [])


@pytest.mark.parametrize(
    ("received", "wrong"),
    [
        (GOOD[1:], 'You bought "A" to buyer@shop.test: 0 instead of 1'),
        (
            [*GOOD, Received("buyer@shop.test", 'You bought "A"', "<4>")],
            'You bought "A" to buyer@shop.test: 2 instead of 1',
        ),
        (
            [*GOOD, Received("seller@shop.test", 'You bought "A"', "<4>")],
            'You bought "A" to seller@shop.test: 1 instead of 0',
        ),
    ],
)
def test_a_mail_that_is_missing_doubled_or_misled_is_named(received: list[Received], wrong: str) -> None:
    assert judge(SALES, received).wrong == [wrong]
