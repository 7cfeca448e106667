"""When the use of a session is due to be written."""

import pytest

from auth import last_used
from auth.last_used import NOTE_EVERY_SECONDS, LastUsed


def test_a_use_is_due_at_first_and_then_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(last_used, "monotonic", lambda: now)
    used = LastUsed()
    assert used.is_due("one")
    used.noted("one")

    due = []
    for passed in (0.0, NOTE_EVERY_SECONDS - 1, NOTE_EVERY_SECONDS):
        now = 1_000.0 + passed
        due.append(used.is_due("one"))

    assert due == [False, False, True]
    assert used.is_due("another")


def test_what_a_process_remembers_of_uses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth.last_used.MAX_SESSIONS", 3)
    used = LastUsed()
    for number in range(10):
        used.noted(str(number))

    assert [number for number in range(10) if not used.is_due(str(number))] == [9]
