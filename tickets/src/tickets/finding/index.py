"""Index of the tickets on sale, in a folder of its own: written by one thread, searched by any.

What is written can be found after `commit`, which stores the entries and their place in the stream in one
step: a process that is killed reads the rest of the stream, and nothing twice.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date

from tantivy import Index as Files
from tantivy import IndexWriter, Query, Searcher
from tantivy import Order as Direction

from tickets.finding import entries, queries
from tickets.finding.entries import ORDERS, PLACE, SCHEMA, SPAN_BITS, Entry
from tickets.finding.folders import Folder
from tickets.finding.queries import Search, Words
from tickets.sorting import Cursor, Sort

WRITER_BYTES = 15_000_000
"""Memory of the writer: the least that tantivy takes for its one thread."""
TIES = 4
"""Entries with the key of a page's last one that may be read again."""
SEARCH_SECONDS = 1.0
"""After which no further level is searched."""
SPANS = (1, 16, 256)
"""Windows of the newest entries, each searched where the one before it did not fill the page."""
COMMON = 20_000
"""Entries with every word of a search from which on windows are worth their own cost."""

BROKEN = (ValueError, OSError, RuntimeError, SystemError)
"""What tantivy raises for files that are not as it left them."""


class Broken(Exception):
    """The files can't be read, or not be written."""


@contextmanager
def _broken() -> Iterator[None]:
    """Raises Broken for what tantivy raises."""
    try:
        yield
    except BROKEN as error:
        raise Broken(repr(error)) from error
    except BaseException as error:
        # A panic of Rust code, which Python must not take for the end of the process.
        if type(error).__name__ == "PanicException":
            raise Broken(repr(error)) from error
        raise


@dataclass(frozen=True, slots=True)
class Hit:
    """cursor: Names the place after it, in the order of its search."""

    id: str
    cursor: Cursor


class Index:
    """Raises Broken from every method once its files are."""

    def __init__(self, folder: Folder) -> None:
        """Opens what the folder has, or begins at nothing."""
        self._folder = folder
        try:
            with _broken():
                self._open()
        except Broken:
            self.clear()

    def _open(self) -> None:
        self._files = Files(SCHEMA, path=str(self._folder.path))
        self._files.config_reader("manual")
        self._writer: IndexWriter | None = self._files.writer(WRITER_BYTES, num_threads=1)
        self._reload()
        self.position = self._stored_position()

    def clear(self) -> None:
        """Begins at nothing. Raises Broken where even that fails."""
        self._writer = None
        with _broken():
            self._folder.empty()
            self._open()

    def close(self) -> None:
        """Leaves what was not committed to the next process."""
        if self._writer is not None:
            with suppress(Broken), _broken():
                self._writer.rollback()
        self._writer = None
        self._folder.close()

    @property
    def documents(self) -> int:
        """Tickets that can be found: each commit has one document more, its place."""
        return max(0, self._searcher.num_docs - 1)

    def put(self, entry: Entry) -> None:
        """In the place of the entry that the ticket has."""
        self.remove(entry.id)
        with _broken():
            self._writing.add_document(entries.document(entry))

    def remove(self, ticket_id: str) -> None:
        with _broken():
            self._writing.delete_documents_by_term("id", ticket_id)

    def remove_before(self, day: date) -> None:
        """Those whose day is earlier."""
        with _broken():
            self._writing.delete_documents_by_query(queries.between("day", None, day.toordinal() - 1))

    def commit(self, position: int) -> None:
        """position: Sequence in the stream of the last event that was written."""
        with _broken():
            self.remove(PLACE)
            self._writing.add_document(entries.place(position))
            self._writing.commit()
            self._reload()
        self.position = position

    def find(self, search: Search, limit: int) -> Sequence[Hit]:
        """At most `limit` hits, in the order of the search."""
        searcher = self._searcher
        with _broken():
            if search.sort is Sort.RELEVANCE:
                return list(_by_level(searcher, search, limit))
            return _sorted(searcher, search, limit)

    @property
    def _writing(self) -> IndexWriter:
        if self._writer is None:
            raise Broken("the index is closed")
        return self._writer

    def _reload(self) -> None:
        self._files.reload()
        self._searcher: Searcher = self._files.searcher()

    def _stored_position(self) -> int:
        place = Query.term_query(SCHEMA, "id", PLACE, "basic")
        found = self._searcher.search(place, 1, count=False).hits
        return int(self._searcher.doc(found[0][1])["sequence"][0]) if found else 0


def _by_level(searcher: Searcher, search: Search, limit: int) -> Iterator[Hit]:
    """Level by level, and the newest first in each."""
    words = queries.words_of(search.words)
    first = 0 if search.after is None else search.after[0] or 0
    until, found = time.monotonic() + SEARCH_SECONDS, 0
    for level in range(first, len(words.levels)):
        if found and time.monotonic() > until:
            return
        at = search if level == first else replace(search, after=None)
        but = words.levels[:level]
        matching = queries.all_of([words.levels[level], *queries.conditions(search)], but)
        for hit in _page(searcher, at, words, matching, limit - found, level):
            found += 1
            yield hit
        if found == limit:
            return


def _sorted(searcher: Searcher, search: Search, limit: int) -> Sequence[Hit]:
    """All that have the words, or parts of them; where none has, those with a typo."""
    words = queries.words_of(search.words)
    conditions = [*queries.conditions(search)]
    found = _page(searcher, search, words, queries.all_of([words.parts, *conditions]), limit)
    if found or words.near is None or _any(searcher, words.parts):
        return found
    return _page(searcher, search, words, queries.all_of([words.near, *conditions]), limit)


def _any(searcher: Searcher, query: Query) -> bool:
    return bool(searcher.search(query, 1, count=False).hits)


def _page(
    searcher: Searcher, search: Search, words: Words, matching: Query, limit: int, level: int = 0
) -> Sequence[Hit]:
    order = ORDERS[search.sort]
    found: Sequence[Hit] = []
    for window in _windows(searcher, search, words):
        query = queries.all_of([matching, *queries.after(search, order), *window])
        found = _top(searcher, search, query, limit, level)
        if len(found) == limit:
            break
    return found


def _windows(searcher: Searcher, search: Search, words: Words) -> Iterator[Sequence[Query]]:
    """Conditions of the creation time, ever wider, for an order by it: a page of common words reads few."""
    if ORDERS[search.sort].field == "newest" and _are_common(searcher, search, words):
        newest = int(time.time()) >> SPAN_BITS if search.after is None else entries.span(search.after[1])
        for spans in SPANS:
            yield [queries.between("span", newest - spans, None, by_terms=True)]
    yield []


def _are_common(searcher: Searcher, search: Search, words: Words) -> bool:
    if searcher.num_docs < COMMON or (search.words and not words.tokens):
        return False
    return all(searcher.doc_freq("words", token.text) > COMMON for token in words.tokens)


def _top(searcher: Searcher, search: Search, query: Query, limit: int, level: int) -> Sequence[Hit]:
    """The first entries in the exact order: by the key, and among equal ones by the id."""
    order = ORDERS[search.sort]
    direction = Direction.Desc if order.descending else Direction.Asc
    result = searcher.search(query, limit + TIES, count=False, order_by_field=order.field, order=direction)
    found = [(int(key), str(searcher.doc(address)["id"][0])) for key, address in result.hits]
    # Among equal keys the newest first, or the oldest where the order is read from its other end.
    found.sort(key=lambda one: one[1], reverse=search.sort is not Sort.DEAREST)
    found.sort(key=lambda one: one[0], reverse=order.descending)
    if search.after is not None:
        found = [one for one in found if _is_after(one, search, search.after)]
    return [
        Hit(ticket_id, entries.cursor_of(key, ticket_id, search.sort, level))
        for key, ticket_id in found[:limit]
    ]


def _is_after(one: tuple[int, str], search: Search, cursor: Cursor) -> bool:
    key, last = entries.key_of(cursor, search.sort), cursor[1]
    if one[0] != key:
        return True
    return one[1] > last if search.sort is Sort.DEAREST else one[1] < last
