from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from common.base.errors import InvalidValue
from common.base.money import Money, Price
from common.testing.hostile import LITERALS, NUMERIC_STRINGS


class Offer(BaseModel):
    price: Price


cents = st.integers(1, 100_000_000)


@given(cents)
def test_every_amount_survives_the_wire(amount: int) -> None:
    offer = Offer(price=Money(amount))

    assert Offer.model_validate_json(offer.model_dump_json()) == offer


@given(cents)
def test_every_way_to_write_an_amount_is_that_amount(amount: int) -> None:
    exact = Decimal(amount) / 100
    for written in (float(exact), str(exact), f"{exact:.2f}", f" {exact} ", f"+{exact}", str(Money(amount))):
        assert Money.parse(written) == Money(amount)


@given(st.integers(1, 1_000_000))
def test_whole_amounts_are_written_without_decimals(units: int) -> None:
    assert Money.parse(units) == Money(units * 100)
    assert Offer(price=Money(units * 100)).model_dump_json() == f'{{"price":{units}}}'


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        *((19.99, 1999), ("19.99", 1999), ("20.00", 2000), (20, 2000), (0.01, 1), (0.29, 29), (1.1, 110)),
        *((1_000_000, 100_000_000), ("1000000.00", 100_000_000), ("1.500", 150), (".5", 50), ("5.", 500)),
    ],
)
def test_an_amount_is_read_exactly(written: object, amount: int) -> None:
    assert Money.parse(written).cents == amount


NUMBER = "Price must be a number, such as 20.50"
POSITIVE = "Price must be greater than 0"
AT_MOST = "Price must be at most 1000000"
DECIMALS = "Price must have at most two decimals"


MISSING: tuple[object, ...] = (None, "", " ")
CODES = {
    **{POSITIVE: "price-too-low", NUMBER: "price-invalid"},
    **{AT_MOST: "price-too-high", DECIMALS: "price-too-precise"},
}
REFUSED: dict[str, list[object]] = {
    POSITIVE: [
        *(0, -1, 0.0, -0.01, "0", "0.00", "-5", -(10**30), *MISSING),
    ],
    NUMBER: [
        *("x", "1,5", "1_000", "0x10", "1e3", "NaN", "Infinity"),
        *("\u0661\u0662", "\uff11", "\u00b2", "1\x00", "\ud800", "- 5"),
        *(True, False, [], {}, {"$gt": ""}, float("nan"), b"5"),
    ],
    AT_MOST: [1_000_000.01, 1_000_001, "1000000.01", 10**30, "9" * 100],
    DECIMALS: [0.001, 19.999, "19.999", 0.1 + 0.2, "0.001"],
}


@pytest.mark.parametrize(
    ("written", "words"),
    [(written, words) for words, values in REFUSED.items() for written in values],
    ids=ascii,
)
def test_what_is_no_price_is_refused_in_words_and_with_a_code(written: object, words: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{words}$") as refusal:
        Money.parse(written)

    assert refusal.value.code == ("price-invalid" if written in MISSING else CODES[words])


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(ValueError, match=AT_MOST):
        Money.parse(10**5000)


@pytest.mark.parametrize(
    "written", [float("inf"), 1e300, "9" * 30, "9" * 1_000_000, "1" + "0" * 25], ids=lambda w: str(w)[:9]
)
def test_what_is_far_too_much_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"^Price must be "):
        Money.parse(written)


@pytest.mark.parametrize("literal", [*LITERALS, *NUMERIC_STRINGS], ids=lambda text: text[:20])
def test_hostile_json_is_refused_by_validation(literal: str) -> None:
    with pytest.raises(ValidationError):
        Offer.model_validate_json(f'{{"price": {literal}}}')


def test_amounts_compare_and_read_as_people_write_them() -> None:
    assert Money(1999) < Money(2000)
    assert str(Money(1999)) == "19.99"
    assert str(Money(5)) == "0.05"


def test_the_documentation_says_what_is_accepted() -> None:
    assert Offer.model_json_schema()["properties"]["price"] == {
        **{
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 1_000_000,
            "multipleOf": 0.01,
            "title": "Price",
        }
    }
