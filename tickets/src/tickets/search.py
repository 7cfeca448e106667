"""Word search: a ticket matches if each word is anywhere in its title, venue, city or seat.

Words and text are folded alike, so that case, accents, the kind of an apostrophe, quote or dash, and
invisible characters don't matter. Text is not split into words: in many scripts nothing stands
between them.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from tickets.characters import is_ignorable
from tickets.domain import Ticket

MAX_WORDS = 10
"""Further words are ignored: each word costs one more comparison a candidate."""


_STROKED = str.maketrans(
    {
        **{"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"},
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    }
)
"""Letters that Unicode does not decompose: their stroke or shape is no combining mark."""


_APOSTROPHES = (
    "\u00b4`\u02b9\u02bb\u02bc\u02bd\u02c8\u055a\u05f3\u07f4\u07f5\u2018\u2019\u201a\u201b\u2032\u2035"
)
_APOSTROPHES += "\u2039\u203a\u275b\u275c\ua78b\ua78c\uff07\uff40"
_QUOTES = "\u00ab\u00bb\u02ba\u02dd\u02ee\u05f4\u201c\u201d\u201e\u201f\u2033\u2036"
_QUOTES += "\u275d\u275e\u301d\u301e\u301f\uff02"
_MINUSES = "\u02d7\u2043\u207b\u208b\u2212"
_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys(_APOSTROPHES, "'"),
        **dict.fromkeys(_QUOTES, '"'),
        **dict.fromkeys(_MINUSES, "-"),
    }
)
"""Signs that people and keyboards put in each other's place. Dashes are a category of their own."""


def fold(text: str) -> str:
    """Without case, accents and the like: `Café` and `CAFE` are one, and folded again nothing changes.

    Apostrophes, quotes and dashes are `'`, `"` and `-`; every space is a plain one; characters that can't be
    seen are gone.
    """
    if not text.isascii():
        # Before the decomposition, which makes a blank of an acute accent, and two primes of a double one.
        text = "".join(map(_plain, text.translate(_PUNCTUATION)))
    # And after it, for the signs that come out of others.
    return _fold_letters(text).translate(_PUNCTUATION)


def folded_city(city: str | None) -> str:
    """What two spellings of a city have in common; "" for none."""
    return fold(city or "").strip()


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    match unicodedata.category(character):
        case "Pd":
            return "-"
        case "Zs":
            return " "
    return "" if is_ignorable(character) else character


def _fold_letters(text: str) -> str:
    """Case goes last: letters of other styles are capitals only once they are taken apart."""
    if text.isascii():
        return text.lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", plain.casefold().translate(_STROKED))


def text_of(ticket: Ticket) -> str:
    """The text that is stored beside the ticket and searched; one line a part.

    Where a sign was folded, the text follows once more with the sign as it was written: so the last release
    searches it, which may run beside this one.
    """
    details = ticket.details
    text = "\n".join(filter(None, (ticket.title, details.venue, details.city, details.seat)))
    return "\n".join(dict.fromkeys((fold(text), _fold_letters(text))))


def patterns(words: str) -> Sequence[str]:
    """Regular expressions; a ticket's text has to match all of them.

    What was stored before accents or signs were folded is found as it was then, by the word as it is typed.
    A word of which nothing can be seen is none.
    """
    folded = [(fold(word).strip(), word.casefold()) for word in words.split()]
    return [_either(word, typed) for word, typed in folded if word][:MAX_WORDS]


def _either(folded: str, plain: str) -> str:
    return re.escape(folded) if folded == plain else f"{re.escape(folded)}|{re.escape(plain)}"
