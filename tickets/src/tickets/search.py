"""Word search: a ticket matches if each word is anywhere in its title, venue or seat.

Words and text are folded alike, so that case and accents don't matter. Text is not split into words: in
many scripts nothing stands between them.
"""

import re
import unicodedata
from collections.abc import Sequence

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


def fold(text: str) -> str:
    """Without case, accents and the like: `Café` and `CAFE` are one, and folded again nothing changes.

    Case goes last: letters of other styles are capitals only once they are taken apart.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", plain.casefold().translate(_STROKED))


def text_of(ticket: Ticket) -> str:
    """The text that is stored beside the ticket and searched; one line a part."""
    return fold("\n".join(filter(None, (ticket.title, ticket.details.venue, ticket.details.seat))))


def patterns(words: str) -> Sequence[str]:
    """Regular expressions; a ticket's text has to match all of them.

    What was stored before accents were folded is found as it was then, by the word as it is typed.
    """
    return [_either(fold(word), word.casefold()) for word in words.split()[:MAX_WORDS]]


def _either(folded: str, plain: str) -> str:
    return re.escape(folded) if folded == plain else f"{re.escape(folded)}|{re.escape(plain)}"
