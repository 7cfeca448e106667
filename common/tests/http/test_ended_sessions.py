"""The set of ended sessions: exact, small, and forgetful of what is over."""

import secrets
import tracemalloc
from base64 import urlsafe_b64encode
from datetime import timedelta
from time import time

import pytest

from common.http import ended_sessions
from common.http.ended_sessions import EndedSessions
from common.testing.browser import SESSIONS, a_user

DAY = 86_400.0


def ids(count: int) -> list[str]:
    return [secrets.token_urlsafe(16) for _ in range(count)]


def test_it_has_what_was_added_and_nothing_else() -> None:
    ended, others = ids(20_000), ids(20_000)
    known = EndedSessions()
    for one in ended:
        known.add(one, time())

    assert all(one in known for one in ended)
    assert not any(one in known for one in others)
    assert len(known) == len(ended)


def test_a_session_ends_once() -> None:
    known, seen = EndedSessions(), list[str]()
    known.watch(seen.append)
    (one,) = ids(1)
    known.add(one, time())
    known.add(one, time())

    assert (len(known), seen) == (1, [one])


@pytest.mark.parametrize("name", ["", "a session", "é" * 22, "=" * 22, "a b c d e f g h i j k ", "x" * 5_000])
def test_what_is_no_id_of_a_session_is_never_ended(name: str) -> None:
    known = EndedSessions()
    known.add(name, time())

    assert name not in known
    assert len(known) == 0


def test_the_bytes_between_two_entries_are_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    known = EndedSessions()
    # Two ids of one bucket, the second of which begins with the end of the first one's entry.
    first, at = b"\x00" * 16, 0x01020304
    monkeypatch.setattr(ended_sessions, "time", lambda: float(at))
    between = first[8:] + at.to_bytes(4, "big") + b"\x00" * 4
    for key in (first, b"\x00" * 15 + b"\x01"):
        known.add(urlsafe_b64encode(key).decode().rstrip("="), float(at))

    assert urlsafe_b64encode(between).decode().rstrip("=") not in known


def test_what_no_token_can_name_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time()
    known = EndedSessions(timedelta(days=7))
    monkeypatch.setattr(ended_sessions, "time", lambda: now)
    for one in ids(10_000):
        known.add(one, now)
    late = ids(ended_sessions.BUCKETS)
    monkeypatch.setattr(ended_sessions, "time", lambda: now + 8 * DAY)
    for one in late:
        known.add(one, now + 8 * DAY)

    assert len(known) == len(late)
    known.add(ids(1)[0], now)
    assert len(known) == len(late)


def test_a_hundred_thousand_take_a_few_megabytes() -> None:
    ended = ids(100_000)
    tracemalloc.start()
    known = EndedSessions()
    for one in ended:
        known.add(one, time())
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size < 4_000_000


def test_a_session_in_the_set_is_anonymous() -> None:
    user = a_user(ids(1)[0])
    token = SESSIONS.token(user)
    assert SESSIONS.read(token) == user

    SESSIONS.ended.add(user.session_id, time())

    assert SESSIONS.read(token) is None
