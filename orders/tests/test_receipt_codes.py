"""Codes of receipts: printed on paper, so that every later release reads them."""

import string

import pytest

from common.base.ids import new_id
from orders.receipt_codes import LENGTH, read, sign

KEY = "a key for tests, of more than thirty-two bytes"
ORDER, TICKET = "fbefbeffc3d4e5f60718293a", "0a1b2c3d4e5f60718293a4b5"
PRINTED = "----_8PU5fYHGCk6ChssPU5fYHGCk6S1Tj62VvnaKwI-iwRiu_5LsA"


def changed(code: str, place: int) -> str:
    return code[:place] + ("A" if code[place] != "A" else "B") + code[place + 1 :]


def test_a_code_holds_the_ids_that_were_signed() -> None:
    for order_id, ticket_id in ((new_id(), new_id()), ("f" * 24, "0" * 24)):
        assert read(KEY, sign(KEY, order_id, ticket_id)) == (order_id, ticket_id)


def test_a_code_that_is_on_paper_is_read_by_every_release() -> None:
    assert read(KEY, PRINTED) == (ORDER, TICKET)
    assert sign(KEY, ORDER, TICKET) == PRINTED


def test_a_code_is_part_of_an_address_as_it_is() -> None:
    code = sign(KEY, "f" * 24, "f" * 24)

    assert len(code) == LENGTH
    assert set(code) <= set(string.ascii_letters + string.digits + "-_")


@pytest.mark.parametrize("place", range(LENGTH))
def test_a_code_with_one_changed_character_is_not_read(place: int) -> None:
    assert read(KEY, changed(PRINTED, place)) is None


def test_a_code_that_was_signed_with_another_key_is_not_read() -> None:
    assert read("another key, as long as the first one", PRINTED) is None


def test_the_ids_of_order_and_ticket_are_not_exchanged() -> None:
    assert sign(KEY, TICKET, ORDER) != PRINTED
    assert read(KEY, sign(KEY, TICKET, ORDER)) == (TICKET, ORDER)


@pytest.mark.parametrize(
    "code",
    [
        *("", "x", "QUJD", PRINTED[:32], PRINTED[:-1], PRINTED + "A", PRINTED + "==", " " + PRINTED),
        *("é" + PRINTED[1:], PRINTED[:-1] + "é", "." + PRINTED[1:], "\ud800"),
        # The same bytes in the alphabet whose `+` and `/` an address does not hold as they are.
        PRINTED.replace("-", "+").replace("_", "/"),
    ],
    ids=repr,
)
def test_a_code_of_another_form_is_not_read(code: str) -> None:
    assert read(KEY, code) is None
