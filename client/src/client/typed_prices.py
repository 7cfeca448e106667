"""Prices as people write them in a form: `$20`, `20,50`, `1,000.00`, `1 000`, in digits of any script."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from client.refusals import PriceAmbiguous
from common.base.errors import ErrorEntry

MOST_CHARACTERS = 60

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"),
        "\u066b": ".",
        "\u066c": ",",
    }
)
"""Apostrophes that group digits, dashes for a minus, the separators of Arabic."""

_CURRENCY = r"(?:(?:US ?)?\$|USD?|dollars?|\u7f8e\u5143)"
_AMOUNT = re.compile(
    rf"(?P<sign>[+-]?) ?(?:{_CURRENCY} ?)?"
    r"(?P<whole>[1-9][0-9]{0,2}(?:(?P<group>[,.' ])[0-9]{3})(?:(?P=group)[0-9]{3})*|[0-9]*)"
    r"(?:(?!(?P=group))(?P<point>[.,])(?P<cents>[0-9]*))?"
    rf"(?: ?{_CURRENCY})?",
    re.IGNORECASE,
)


def as_number(typed: str, field: str = "price") -> str:
    """The numeric string of a typed price: "1000.00" of "$1,000.00"; a text that is no price as it is.

    A separator before exactly three digits groups them where it can't be a decimal point: prices have two
    decimals at most, and these pages write "$1,000.00". So "1,000" is a thousand.

    field: Name of the form's field, for the error. Raises PriceAmbiguous for two meanings: "1.000" is a
    thousand in Berlin, and one dollar in Boston.
    """
    found = None if len(typed) > MOST_CHARACTERS else _AMOUNT.fullmatch(_plain(typed))
    if found is None or not (found["whole"] or found["cents"]):
        return typed
    cents = found["cents"] or ""
    dotted_once = found["group"] == "." and found["whole"].count(".") == 1 and found["point"] is None
    if dotted_once or (len(cents) > 2 and not cents[2:].strip("0")):
        raise PriceAmbiguous(field)
    whole = re.sub(r"[^0-9]", "", found["whole"]) or "0"
    return f"{found['sign']}{whole}" + (f".{cents}" if cents else "")


def read_prices(
    query: Mapping[str, str], names: Iterable[str]
) -> tuple[Mapping[str, str], Sequence[ErrorEntry]]:
    """The query with the named prices as numbers, less those of two meanings; the entries for these."""
    read, unread = dict(query), list[ErrorEntry]()
    for name in names:
        try:
            if name in read:
                read[name] = as_number(read[name])
        except PriceAmbiguous as error:
            del read[name]
            unread += error.entries
    return read, unread


def _plain(typed: str) -> str:
    """Digits of every script as 0 to 9, spaces as plain ones, without invisible characters at all."""
    return " ".join("".join(map(_character, typed.translate(_SIGNS))).translate(_SIGNS).split())


def _character(character: str) -> str:
    match unicodedata.category(character):
        case "Cf":
            return ""
        case "Nd":
            return str(unicodedata.decimal(character))
        case "No":
            # A power, a fraction, a number in a circle: no digit of an amount.
            return character
    return unicodedata.normalize("NFKC", character)
