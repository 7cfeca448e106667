"""Queries of the index: how near a ticket is to a search, and which tickets a page may have.

The levels of `levels` go from exact to near. A ticket is of the first level that it matches, whatever else
the index has: its place among the others stays, while tickets come and go.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from tantivy import FieldType, Occur, Query

from tickets.finding import entries
from tickets.finding.entries import SCHEMA
from tickets.finding.words import Token, searched, whole
from tickets.sorting import Cursor, Sort


@dataclass(frozen=True, slots=True)
class Search:
    """words: "" for all tickets; then a city or a day bounds the search. city: Folded; "" for any."""

    words: str
    sort: Sort
    after: Cursor | None = None
    min_cents: int | None = None
    max_cents: int | None = None
    city: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one search as queries. Each is None where it would match no more than the one before it.

    levels: From exact to near, for the order by relevance.
    parts: Every ticket that has all words, or parts of words.
    near: Those of `parts`, and those with a typo.
    """

    tokens: Sequence[Token]
    levels: Sequence[Query]
    parts: Query
    near: Query | None


def words_of(text: str) -> Words:
    if not text:
        every = all_of([Query.all_query()], [_term("id", entries.PLACE)])
        return Words((), [every], every, None)
    tokens = searched(text)
    titled = _term("whole", whole(text))
    if not tokens:
        return Words(tokens, [titled], titled, None)
    exact = [titled, *(_all([_term(field, token.text) for token in tokens]) for field in _FIELDS)]
    if not any(token.is_word for token in tokens):
        return Words(tokens, exact, exact[-1], None)
    beginning = [_all([_beginning(field, token) for token in tokens]) for field in ("title", "words")]
    part = _all([_part(token) for token in tokens])
    near = _all([_near(token) for token in tokens]) if any(token.typos for token in tokens) else None
    levels = [*exact, *beginning, part] if near is None else [*exact, *beginning, part, near]
    return Words(tokens, levels, part, near)


def conditions(search: Search) -> Iterator[Query]:
    """Of the prices, the city and the days."""
    if search.city:
        yield _term("city", search.city)
    if search.min_cents is not None or search.max_cents is not None:
        yield between("price", search.min_cents, search.max_cents)
    if search.first_day is not None or search.last_day is not None:
        first = None if search.first_day is None else search.first_day.toordinal()
        last = entries.NO_DAY - 1 if search.last_day is None else search.last_day.toordinal()
        yield between("day", first, last)


def after(search: Search, order: entries.Order) -> Iterator[Query]:
    """From the key of the last ticket of the page before on: others with that key come with it."""
    if search.after is not None:
        key = entries.key_of(search.after, search.sort)
        yield between(order.field, *((None, key) if order.descending else (key, None)))


def between(field: str, least: int | None, most: int | None, *, by_terms: bool = False) -> Query:
    """by_terms: For a field that is indexed, and has few values."""
    return Query.range_query(SCHEMA, field, FieldType.Integer, least, most, use_inverted_index=by_terms)


def all_of(queries: Sequence[Query], but: Sequence[Query] = ()) -> Query:
    found = [(Occur.Must, query) for query in queries]
    return Query.boolean_query([*found, *((Occur.MustNot, query) for query in but)])


_FIELDS = ("title", "main", "words")


def _all(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else all_of(queries)


def _any(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _term(field: str, text: str) -> Query:
    return Query.term_query(SCHEMA, field, text, "basic")


def _prefix(field: str, text: str) -> Query:
    return Query.fuzzy_term_query(SCHEMA, field, text, 0, True, prefix=True)


def _beginning(field: str, token: Token) -> Query:
    return _prefix(field, token.text) if token.is_word else _term(field, token.text)


def _part(token: Token) -> Query:
    if not token.is_word:
        return _term("words", token.text)
    if len(token.text) == 1:
        return _prefix("words", token.text)
    return _any([_prefix("words", token.text), _prefix("parts", token.text)])


def _near(token: Token) -> Query:
    if not token.typos:
        return _part(token)
    return _any([_part(token), Query.fuzzy_term_query(SCHEMA, "words", token.text, token.typos, True)])
