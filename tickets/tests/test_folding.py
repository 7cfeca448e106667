"""Text of the word search: how it is folded, and which characters can be seen."""

import re
from typing import Any

import pytest

from common.base.characters import is_ignorable, is_visible
from common.base.money import Money
from common.contract.details import Details
from tickets.domain import Ticket
from tickets.search import MAX_WORDS, fold, patterns, text_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Plain TEXT 1", "plain text 1"),
        ("Café", "cafe"),
        ("Łódź", "lodz"),
        ("Smørrebrød, Æther", "smorrebrod, aether"),
        ("STRASSE Straße", "strasse strasse"),
        ("\u0130stanbul \u0131spanak", "istanbul ispanak"),
        ("\U0001d56e\U0001d594\U0001d593cert \ufb01re", "concert fire"),
        ("Rock\u2019n\u2018roll", "rock'n'roll"),
        ("\u201cquoted\u201d \u00abso\u00bb", '"quoted" "so"'),
        ("2\u201312\u2014x\u2212y\u2010z", "2-12-x-y-z"),
        ("a\u00a0b\u3000c\u2003d", "a b c d"),
        ("in\u200bvis\u00adible\ufeff", "invisible"),
        ("a\u02dab\u00b4c", "a b'c"),
        ("日本 한국", "日本 한국"),
        ("ñandú e\u0301", "nandu e"),
        ("\u2033x\u2036", '"x"'),
    ],
)
def test_case_accents_and_kinds_of_signs_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def a_ticket(title: str, **details: Any) -> Ticket:
    return Ticket(id="1", title=title, price=Money(1), user_id="u", details=Details(**details))


def test_the_text_of_a_ticket_has_its_parts_one_a_line() -> None:
    ticket = a_ticket("Opéra", venue="Hall", city="Ghent", seat="B 7")

    assert text_of(ticket) == "opera\nhall\nghent\nb 7"
    assert text_of(a_ticket("Opera", city="Ghent")) == "opera\nghent"


def test_a_text_with_folded_signs_has_them_as_they_were_written_too() -> None:
    assert text_of(a_ticket("Rock\u2019n")) == "rock'n\nrock\u2019n"


def test_each_word_is_one_pattern_and_no_expression() -> None:
    assert patterns("Two  WORDS") == ["two", "words"]
    assert patterns("a.b") == [re.escape("a.b")]
    assert patterns("Café.") == [r"cafe\.|café\."]
    assert patterns(" \u200b ") == []


def test_words_beyond_the_most_are_ignored() -> None:
    words = [f"w{number}" for number in range(MAX_WORDS + 2)]

    assert patterns(" ".join(words)) == words[:MAX_WORDS]


@pytest.mark.parametrize(
    ("character", "ignorable", "visible"),
    [
        *((one, False, True) for one in ("a", "é", "日", "-", "😀", "\u180a", "\u1810")),
        *((one, False, False) for one in (" ", "\n", "\u00a0", "\u2028", "\u0301", "\u20dd", "\ud800")),
        *((one, True, False) for one in ("\u200b", "\u00ad", "\u202e", "\u3164", "\u2800", "\u034f")),
        *((one, True, False) for one in ("\u180b", "\u180f", "\ufe00", "\ufe0f", "\U000e0100")),
        ("\U000e01ef", True, False),
        ("\u0378", False, False),
    ],
)
def test_which_characters_have_a_shape(character: str, ignorable: bool, visible: bool) -> None:
    assert (is_ignorable(character), is_visible(character)) == (ignorable, visible)
