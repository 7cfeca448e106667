"""Prices as people write them."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from client.refusals import PriceAmbiguous
from client.typed_prices import MOST_CHARACTERS, as_number
from common.base.money import MAX_UNITS, Money

FULL_WIDTH = str.maketrans(
    "0123456789.,$", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0e\uff0c\uff04"
)
ARABIC = str.maketrans(
    "0123456789,.", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u066c\u066b"
)
GROUPS = {",": ".", ".": ",", " ": ",", "\u00a0": ",", "\u202f": ",", "'": ".", "\u2019": "."}
"""The decimal point beside each separator of thousands."""


@given(st.integers(1, MAX_UNITS * 100))
@example(100_000)
@example(100_050)
def test_an_amount_with_its_cents_has_one_meaning_in_every_country(cents: int) -> None:
    american = f"{Decimal(cents) / 100:,.2f}"
    written = [american.translate(str.maketrans(",.", group + point)) for group, point in GROUPS.items()]
    written += [str(Money(cents)), str(Money(cents)).replace(".", ",")]
    written += [american.translate(FULL_WIDTH), american.translate(ARABIC)]

    for text in written:
        for typed in (
            text,
            f"${text}",
            f" $ {text} ",
            f"{text} $",
            f"US${text}",
            f"{text} USD",
            f"{text}\u200f",
        ):
            assert Money.parse(as_number(typed)) == Money(cents), typed


@given(st.integers(1, MAX_UNITS))
def test_a_whole_amount_in_these_pages_own_style_is_read(units: int) -> None:
    for typed in (str(units), f"{units:,}", f"${units:,}", f"{units:,}".replace(",", " ")):
        assert Money.parse(as_number(typed)) == Money(units * 100)


@given(st.integers(1, MAX_UNITS * 100))
def test_a_number_of_the_api_stays_the_same_amount(cents: int) -> None:
    assert Decimal(as_number(str(Money(cents)))) == Decimal(cents) / 100


@pytest.mark.parametrize("typed", ["1.000", "$1.000", "12.500", "20.505", "1,000.000", "1000.000", "10,0000"])
def test_what_has_two_meanings_is_refused(typed: str) -> None:
    with pytest.raises(PriceAmbiguous):
        as_number(typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        *(("20,5", "20.5"), ("20.", "20"), ("20,", "20"), (".5", "0.5"), (",50", "0.50"), ("0,5", "0.5")),
        *(("1.000.000", "1000000"), ("1,000,000", "1000000"), ("1.000.000,00", "1000000.00")),
        *(("-5", "-5"), ("\u22125", "-5"), ("-$5", "-5"), ("+20", "+20"), ("20 dollars", "20")),
        *(("1 dollar", "1"), ("20\u7f8e\u5143", "20"), ("0.001", "0.001"), ("20.5055", "20.5055")),
        *(("0", "0"), ("1\u200b000", "1000"), ("20 usd", "20")),
    ],
)
def test_every_common_form_is_read(typed: str, number: str) -> None:
    assert as_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            " ",
            "$",
            "abc",
            "1e3",
            "1_000",
            "20 or so",
            "\u20ac20",
            "20 EUR",
            "1,00,000",
            "1,000,50",
            "1,0000.5",
        ),
        *(
            ",",
            ".",
            "1.2.3",
            "1..2",
            "1, 000",
            "$$20",
            "20-30",
            "10,00,00",
            "0x10",
            "NaN",
            "\u00bd",
            "5\u00b2",
            "\u2460",
        ),
        "9" * (MOST_CHARACTERS + 1),
    ],
)
def test_what_is_no_price_is_left_to_the_apis_refusal(typed: str) -> None:
    assert as_number(typed) == typed


@given(st.text(max_size=2 * MOST_CHARACTERS))
def test_no_text_breaks_it(typed: str) -> None:
    with suppress(PriceAmbiguous):
        as_number(typed)
