"""A clock that moves only by hand, in place of `common.base.times.now`."""

from datetime import datetime

import pytest

from common.base import times


class Clock:
    """`now`: What the clock shows; a test sets it."""

    def __init__(self) -> None:
        self.now = times.now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(times, "now", clock)
    return clock
