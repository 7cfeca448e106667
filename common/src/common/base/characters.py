"""Invisible characters, and those that turn the direction of the text around them.

Unicode's default-ignorable characters (UAX 44), and a few more that every font draws as a blank.
"""

import unicodedata

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00016fe4\U0001d159")
"""The grapheme joiner, fillers of Hangul, Khmer and Khitan, the blanks of Braille and of music."""

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Cs", "Zs", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_VARIATIONS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates: "Evil \\u202egnitsil" reads "Evil listing".

Not the marks U+200E, U+200F and U+061C, which turn nothing and stand in good Hebrew and Arabic.
"""


def is_ignorable(character: str) -> bool:
    """Whether the character has no shape and no width of its own: a joiner, a filler, a selector."""
    return (
        unicodedata.category(character) == "Cf"
        or character in _FILLERS
        or any(ord(character) in selectors for selectors in _VARIATIONS)
    )


def is_visible(character: str) -> bool:
    """Whether the character alone can be seen: no blank, and no mark that needs a letter below it."""
    return unicodedata.category(character) not in _UNSEEN | _MARKS and not is_ignorable(character)
