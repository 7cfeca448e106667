"""Codes of receipts: which are good, under which key."""

import jwt
import pytest

from common.base.ids import new_id
from orders.receipt_codes import LENGTH
from orders.receipts import Receipt, Receipts
from tests.builders import RECEIPT_KEYS

RECEIPTS = Receipts(RECEIPT_KEYS)
RECEIPT = Receipt(new_id(), new_id())


def test_a_code_is_read_back() -> None:
    code = RECEIPTS.code(RECEIPT)

    assert RECEIPTS.verified(code) == RECEIPT
    assert len(code) == LENGTH


def test_the_first_key_signs_and_all_verify() -> None:
    new, old = (Receipts([key]) for key in RECEIPT_KEYS)

    assert RECEIPTS.code(RECEIPT) == new.code(RECEIPT)
    assert RECEIPTS.verified(old.code(RECEIPT)) == RECEIPT
    assert new.verified(old.code(RECEIPT)) is None


@pytest.mark.parametrize("place", range(LENGTH))
def test_a_code_with_one_changed_character_is_not_genuine(place: int) -> None:
    code = RECEIPTS.code(RECEIPT)
    other = "A" if code[place] != "A" else "B"

    assert RECEIPTS.verified(code[:place] + other + code[place + 1 :]) is None


@pytest.mark.parametrize("key", RECEIPT_KEYS)
def test_a_receipt_that_an_earlier_release_printed_is_genuine(key: str) -> None:
    claims = {"aud": "receipt", "sub": RECEIPT.order_id, "ticket": RECEIPT.ticket_id}

    assert RECEIPTS.verified(jwt.encode(claims, key, algorithm="HS256")) == RECEIPT


@pytest.mark.parametrize(
    "code",
    [
        *("", "x", "é", "x" * 5000),
        Receipts(["another key, as long as the first one"]).code(RECEIPT),
        # A session that the key signed, in a release where one key signed both.
        jwt.encode(
            {"sub": RECEIPT.order_id, "iat": 1, "exp": 9_999_999_999}, RECEIPT_KEYS[1], algorithm="HS256"
        ),
    ],
)
def test_no_other_code_is_genuine(code: str) -> None:
    assert RECEIPTS.verified(code) is None


@pytest.mark.parametrize("missing", ["aud", "sub", "ticket"])
def test_a_code_that_lacks_a_claim_is_not_genuine(missing: str) -> None:
    claims = {"aud": "receipt", "sub": RECEIPT.order_id, "ticket": RECEIPT.ticket_id}
    del claims[missing]

    assert RECEIPTS.verified(jwt.encode(claims, RECEIPT_KEYS[1], algorithm="HS256")) is None


def test_no_representation_shows_a_key() -> None:
    assert RECEIPT_KEYS[0] not in repr(RECEIPTS)
