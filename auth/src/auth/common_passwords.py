"""The 100,000 most common passwords of 8 or more characters, as a sorted table of short digests.

The table is `common_passwords.bin`, whose source is in `common_passwords.md`. It is made again by

    python -m auth.common_passwords LIST      LIST: text file, a password a line, the most common first
"""

import sys
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from pathlib import Path
from unicodedata import normalize

from auth.domain import MIN_PASSWORD

COUNT = 100_000
DIGEST_BYTES = 5
"""Another password is taken for one of these by chance once in 11 million: 100,000 / 2 ** 40."""
TABLE = "common_passwords.bin"


def is_common(password: str) -> bool:
    """Whether the password, in any case, is in the table. Takes microseconds: some 17 comparisons."""
    table, digest = _table(), _digest(folded(password))
    place = bisect_left(range(len(table) // DIGEST_BYTES), digest, key=lambda n: _entry(table, n))
    return _entry(table, place) == digest


def folded(text: str) -> str:
    """The text without the differences of case and of Unicode form."""
    return normalize("NFKC", text).casefold()


def table_of(passwords: Iterable[str]) -> bytes:
    """Table of the first 100,000 different passwords that are long enough."""
    wanted = dict.fromkeys(word for word in map(folded, passwords) if len(word) >= MIN_PASSWORD)
    return b"".join(sorted({_digest(word) for word in islice(wanted, COUNT)}))


@cache
def _table() -> bytes:
    return (files("auth") / TABLE).read_bytes()


def _entry(table: bytes, number: int) -> bytes:
    return table[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]


def _digest(word: str) -> bytes:
    return sha256(word.encode()).digest()[:DIGEST_BYTES]


def write_table(source: Path, target: Path) -> None:
    with source.open(encoding="utf-8", errors="replace") as lines:
        target.write_bytes(table_of(line.rstrip("\r\n") for line in lines))


if __name__ == "__main__":
    write_table(Path(sys.argv[1]), Path(__file__).with_name(TABLE))
