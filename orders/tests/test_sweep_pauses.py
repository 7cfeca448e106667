"""Pauses between sweeps of overdue orders, and the job's name in the metric of last successes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from common.base import jobs
from common.base.errors import DatabaseError, Outage
from orders import sweep as jobs_of_orders
from orders.repository import OVERDUE_LIMIT, OrderRepository
from orders.sweep import SWEEP_SECONDS
from tests.builders import HOLD

ORDERS = cast("OrderRepository", object())


class Script:
    """`results`: Of each sweep; an error is raised. After the last one the job is cancelled."""

    def __init__(self, results: Sequence[int | Exception], monkeypatch: pytest.MonkeyPatch) -> None:
        self.results = list(results)
        self.pauses: list[float] = []
        self.swept: list[tuple[OrderRepository, timedelta]] = []
        self.successes: list[str] = []
        monkeypatch.setattr(jobs_of_orders, "sweep", self.sweep)
        monkeypatch.setattr(asyncio, "sleep", self.sleep)
        monkeypatch.setattr(jobs, "succeeded", self.successes.append)

    async def sweep(self, orders: OrderRepository, hold: timedelta) -> int:
        self.swept.append((orders, hold))
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
    full = OVERDUE_LIMIT
    script = Script([full, full - 1, full, full, 0], monkeypatch)

    with pytest.raises(asyncio.CancelledError):
        await jobs_of_orders.run(ORDERS, HOLD)

    assert script.pauses == [SWEEP_SECONDS, 0, SWEEP_SECONDS, 0, 0, SWEEP_SECONDS]
    assert script.swept == [(ORDERS, HOLD)] * 5
    assert script.successes == [jobs_of_orders.JOB] * 5


@pytest.mark.parametrize("error", [Outage("gone"), DatabaseError("refused"), RuntimeError("a bug")])
async def test_a_pause_follows_a_failure_also_after_a_full_page(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([OVERDUE_LIMIT, error], monkeypatch)

    with pytest.raises(asyncio.CancelledError):
        await jobs_of_orders.run(ORDERS, HOLD)

    assert script.pauses == [SWEEP_SECONDS, 0, SWEEP_SECONDS]
    assert script.successes == [jobs_of_orders.JOB]
