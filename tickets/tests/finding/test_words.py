"""Words of a search: what comes first, by the table beside this file, and that no input is an error."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.finding.builders import an_entry, an_index, ids
from tickets.finding.entries import Entry
from tickets.finding.index import Index
from tickets.finding.words import MAX_TOKEN, MAX_TOKENS, indexed, parts, searched
from tickets.sorting import Sort

TABLE = (Path(__file__).parent / "table.txt").read_text().splitlines()
LISTING = re.compile(r"\+ (?P<title>.+?)(?: @ (?P<venue>.+?))?(?: # (?P<seat>.+))?")
SEARCHES = [line.split(" | ") for line in TABLE if " | " in line]


def listings() -> Iterator[Entry]:
    for line in TABLE:
        if found := LISTING.fullmatch(line):
            yield an_entry(found["title"], found["venue"] or "", found["seat"] or "")


ENTRIES = {entry.title: entry for entry in listings()}
TITLES = {entry.id: entry.title for entry in ENTRIES.values()}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = an_index(tmp_path_factory.mktemp("search"), *ENTRIES.values())
    yield index
    index.close()


def test_the_table_has_searches() -> None:
    assert len(SEARCHES) >= 60


@pytest.mark.parametrize(("search", "title"), SEARCHES, ids=[search for search, _ in SEARCHES])
def test_a_search_finds_first(index: Index, search: str, title: str) -> None:
    assert [TITLES[found] for found in ids(index, search)][:1] == ([] if title == "-" else [title])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=100), sort=st.sampled_from(Sort))
def test_no_search_is_an_error(index: Index, words: str, sort: Sort) -> None:
    assert set(ids(index, words, sort)) <= TITLES.keys()


@settings(max_examples=100, deadline=None)
@given(title=st.text(min_size=1, max_size=200))
def test_every_title_is_found_by_its_own_words(title: str) -> None:
    """As far as a search has them, and there is a letter, a digit or a symbol."""
    tokens = searched(title)

    assert {token.text for token in tokens} <= {*indexed(title)}
    assert len(tokens) <= MAX_TOKENS
    assert all(len(token.text) <= MAX_TOKEN for token in tokens)


def test_exact_words_come_before_beginnings_parts_and_typos(tmp_path: Path) -> None:
    found = ["the swift", "swifts here", "overswift", "swfit"]
    index = an_index(tmp_path, *(an_entry(title) for title in reversed(found)), swift := an_entry("Swift"))
    everything = ids(index, "swift")

    assert everything[0] == swift.id
    assert len(everything) == 5
    index.close()


def test_a_title_weighs_more_than_a_venue_and_that_more_than_a_seat(tmp_path: Path) -> None:
    title, venue, seat = (
        an_entry("Gala Globe"),
        an_entry("Play", "Globe"),
        an_entry("Play", "Hall", "Globe 1"),
    )
    index = an_index(tmp_path, title, venue, seat)

    assert ids(index, "globe") == [title.id, venue.id, seat.id]
    index.close()


def test_a_number_has_no_typo_and_a_short_word_none(tmp_path: Path) -> None:
    index = an_index(tmp_path, an_entry("Hall 123456"), an_entry("Kino"))

    assert ids(index, "123457") == []
    assert ids(index, "kino") != []
    assert ids(index, "kimo") == []
    index.close()


def test_the_parts_of_a_word_are_its_ends() -> None:
    assert parts(["abcd", "演唱"]) == ["bcd", "cd"]
