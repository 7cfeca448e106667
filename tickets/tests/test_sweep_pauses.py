"""Pauses between sweeps of derived fields, and the job's name in the metric of last successes."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from common.base import jobs
from common.base.errors import DatabaseError, Outage
from tickets import sweep as jobs_of_tickets
from tickets.repository import DERIVED_LIMIT, TicketRepository
from tickets.sweep import SWEEP_SECONDS

TICKETS = cast("TicketRepository", object())


class Script:
    """`results`: Of each sweep; an error is raised. After the last one the job is cancelled."""

    def __init__(self, results: Sequence[int | Exception], monkeypatch: pytest.MonkeyPatch) -> None:
        self.results = list(results)
        self.pauses: list[float] = []
        self.swept: list[TicketRepository] = []
        self.successes: list[str] = []
        monkeypatch.setattr(jobs_of_tickets, "sweep", self.sweep)
        monkeypatch.setattr(asyncio, "sleep", self.sleep)
        monkeypatch.setattr(jobs, "succeeded", self.successes.append)

    async def sweep(self, tickets: TicketRepository) -> int:
        self.swept.append(tickets)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if not self.results:
            raise asyncio.CancelledError


async def test_a_full_page_is_followed_at_once_and_any_other_sweep_after_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = DERIVED_LIMIT
    script = Script([full, full - 1, full, full, 0], monkeypatch)

    with pytest.raises(asyncio.CancelledError):
        await jobs_of_tickets.run(TICKETS)

    assert script.pauses == [SWEEP_SECONDS, 0, SWEEP_SECONDS, 0, 0, SWEEP_SECONDS]
    assert script.swept == [TICKETS] * 5
    assert script.successes == [jobs_of_tickets.JOB] * 5


@pytest.mark.parametrize("error", [Outage("gone"), DatabaseError("refused")])
async def test_a_pause_follows_a_failure_also_after_a_full_page(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([DERIVED_LIMIT, error], monkeypatch)

    with pytest.raises(asyncio.CancelledError):
        await jobs_of_tickets.run(TICKETS)

    assert script.pauses == [SWEEP_SECONDS, 0, SWEEP_SECONDS]
    assert script.successes == [jobs_of_tickets.JOB]


class Found:
    """Repository with one ticket of each kind to derive again."""

    def __init__(self) -> None:
        self.derived: list[str] = []

    async def derived_by_older(self) -> Sequence[str]:
        return ["of an older release"]

    async def over_on_sale(self) -> Sequence[str]:
        return ["of yesterday", "of last week"]

    async def derive_again(self, ticket: str) -> None:
        self.derived.append(ticket)


async def test_a_sweep_derives_tickets_of_both_kinds_again() -> None:
    found = Found()

    assert await jobs_of_tickets.sweep(cast("TicketRepository", found)) == 3
    assert sorted(found.derived) == ["of an older release", "of last week", "of yesterday"]
