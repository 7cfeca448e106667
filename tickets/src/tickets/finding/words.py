"""Splits text into the tokens that are indexed, and a search into the tokens that have to be found.

Both are folded by `search.fold` first. Scripts without spaces between words become single letters and pairs
of letters. Letters on both sides of a dash, an apostrophe or a slash are words of their own, and one word
without the sign: `jay-z` is `jay`, `z` and `jayz`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tickets.search import MAX_WORDS, fold

MAX_TOKEN = 40
"""Characters of a token; longer ones are cut, in the index and in a search alike."""
MAX_TOKENS = 24
"""Tokens of one search; further ones are ignored."""
SHORTEST_PART = 2
"""Characters of the shortest inner part of a word that is indexed."""
KNOWN_WORDS = 4_096
"""Words whose tokens are remembered, some kB each at most: listings repeat artists, halls and cities."""
ONE_TYPO, TWO_TYPOS = 5, 9
"""Letters from which a word is found with one typo, and with two."""

_NO_SPACES = (
    range(0x0E00, 0x0F00),  # Thai, Lao
    range(0x1000, 0x10A0),  # Myanmar
    range(0x1780, 0x1800),  # Khmer
    range(0x3040, 0x3100),  # Hiragana, Katakana
    range(0x31F0, 0x3200),
    range(0x3400, 0xA000),  # Han
    range(0xF900, 0xFB00),
    range(0x20000, 0x33480),
)
_JOINERS = "'-/.&"
_PIECES = re.compile(r"(c+)|(s)|(w+(?:jw+)*)")
"""Over the kinds of the characters, by `_kind`."""


@dataclass(frozen=True, slots=True)
class Token:
    """Part of a search.

    is_word: Whether it may also be the beginning or a part of a word, or be mistyped.
    """

    text: str
    is_word: bool

    @property
    def typos(self) -> int:
        """How many typos are forgiven. None in a number: another number is another seat."""
        if not self.text.isalpha() or len(self.text) < ONE_TYPO:
            return 0
        return 1 if len(self.text) < TWO_TYPOS else 2


def indexed(text: str) -> Sequence[str]:
    """Every token of a text, each once."""
    return list(dict.fromkeys(token for word in fold(text).split() for token in _tokens_of_word(word)))


def parts(tokens: Sequence[str]) -> Sequence[str]:
    """The ends of the words, so that a part of a word is the beginning of one of them."""
    return list(dict.fromkeys(end for token in tokens for end in _ends(token)))


def whole(text: str) -> str:
    """A text as one token: it is equal for texts that differ in signs and spaces alone."""
    folded = fold(text)
    found = " ".join(piece for piece, _ in _pieces_with_kind(folded))
    return (found or "".join(folded.split()))[:200]


def searched(text: str) -> Sequence[Token]:
    """What has to be found; empty for a text without letters, digits and symbols."""
    words = list(filter(None, (fold(word).strip() for word in text.split())))[:MAX_WORDS]
    tokens = (token for word in words for piece in _pieces_with_kind(word) for token in _searched(*piece))
    return list(dict.fromkeys(tokens))[:MAX_TOKENS]


def _searched(piece: str, kind: str) -> Iterator[Token]:
    match kind:
        case "c":
            pairs = [piece[at : at + 2] for at in range(len(piece) - 1)]
            yield from (Token(pair, False) for pair in pairs or [piece])
        case "s":
            yield Token(piece, False)
        case _:
            yield from (Token(word[:MAX_TOKEN], True) for word in _split(piece))


@lru_cache(maxsize=KNOWN_WORDS)
def _tokens_of_word(word: str) -> Sequence[str]:
    return tuple(token for piece in _pieces_with_kind(word) for token in _tokens_of(piece))


@lru_cache(maxsize=KNOWN_WORDS)
def _ends(token: str) -> Sequence[str]:
    is_word = _kind(token[0]) == "w"
    return tuple(token[at:] for at in range(1, len(token) - SHORTEST_PART + 1)) if is_word else ()


def _tokens_of(piece: tuple[str, str]) -> Iterator[str]:
    text, kind = piece
    if kind == "c":
        yield from text
        yield from (text[at : at + 2] for at in range(len(text) - 1))
    elif kind == "s":
        yield text
    else:
        joined = "".join(character for character in text if character not in _JOINERS)
        yield from (word[:MAX_TOKEN] for word in (*_split(text), *re.split(r"[-/.&']", text), joined))


def _split(word: str) -> Sequence[str]:
    """At each joiner but for an apostrophe: who searches for `don't` means no `t`."""
    return [part for part in re.split(r"[-/.&]+", word.replace("'", "")) if part]


def _pieces_with_kind(text: str) -> Iterator[tuple[str, str]]:
    """Runs of letters without spaces ("c"), single symbols ("s") and words ("w")."""
    for found in _PIECES.finditer("".join(map(_kind, text))):
        yield text[found.start() : found.end()], "csw"[(found.lastindex or 1) - 1]


@lru_cache(maxsize=16_384)
def _kind(character: str) -> str:
    if character in _JOINERS:
        return "j"
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return "c" if any(ord(character) in letters for letters in _NO_SPACES) else "w"
    return "s" if category[0] == "S" else " "
