"""Sweep of attempts with an unknown outcome, and of open payments whose order ended.

Requests and listeners go first. The sweep handles the cases that a crash, an outage or a silent provider
left behind.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from common.base import jobs, times
from common.base.errors import DatabaseError, Unavailable
from payments.context import PaymentContext
from payments.domain import Attempt, Payment, Status
from payments.errors import BadToken, SettlementRefused
from payments.gateway import State
from payments.settlement import apply_intent, settle_order

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
PAGE = 200
CONCURRENCY = 16
LONGEST_PAUSE = 60.0


class _OfOrder(Protocol):
    @property
    def order_id(self) -> str: ...


T = TypeVar("T", bound=_OfOrder)


async def sweep_attempts(context: PaymentContext) -> int:
    """Checks the attempts that are due; returns their number."""
    due = await context.repositories.attempts.due(times.now(), PAGE)
    await _each(due, lambda attempt: _check_attempt(context, attempt))
    return len(due)


async def _check_attempt(context: PaymentContext, attempt: Attempt) -> None:
    attempts, now = context.repositories.attempts, times.now()
    if not await attempts.lease(attempt, now + context.timing.lease):
        return
    try:
        await _find_outcome(context, attempt, now)
    except BadToken:
        await attempts.fail(attempt.charge.order_id, attempt.charge.attempt)
    finally:
        # Older attempts are checked less often: if the outcome is still unknown, the pause is half the age.
        pause = (now - attempt.charge.started_at) / 2
        await attempts.postpone(attempt, times.now() + min(pause, context.timing.lease))


async def _find_outcome(context: PaymentContext, attempt: Attempt, now: datetime) -> None:
    charge = attempt.charge
    intent = await context.gateway.find(charge)
    if intent is None or intent.state is State.PENDING:
        if now - charge.started_at >= context.timing.give_up:
            await context.repositories.attempts.fail(charge.order_id, charge.attempt)
            return
        order = await context.repositories.orders.lookup(charge.order_id)
        if order is None or not order.is_payable(now):
            return
        # With the same key, the provider repeats its first answer or authorises now, never both.
        answer = await context.gateway.authorize(charge)
        # A repeated answer is as old as the first one, so the current state is read.
        intent = await context.gateway.retrieve(answer.id) if answer.id else answer
    if intent is not None:
        await apply_intent(context, intent)


class OpenPayments:
    """Sweep over the payments that are neither captured nor voided, page by page, in an endless cycle."""

    def __init__(self, context: PaymentContext) -> None:
        self._context = context
        self._after = ""
        # By payment id: time of the first sight or the last try, and the pause after it, in seconds.
        self._pauses: dict[str, tuple[float, float]] = {}
        self._seen: set[str] = set()

    async def sweep(self) -> int:
        """Handles one page; returns the number of payments that were tried.

        Settles payments of ended orders, and reads the intents that await their card's owner.
        """
        page = await self._context.repositories.payments.open_after(self._after, PAGE)
        self._seen.update(payment.id for payment in page)
        due = [payment for payment in page if self._is_due(payment.id, time.monotonic())]
        await _each(due, self._retry_payment)
        if len(page) < PAGE:
            self._pauses = {key: pause for key, pause in self._pauses.items() if key in self._seen}
            self._after, self._seen = "", set()
        else:
            self._after = page[-1].id
        return len(due)

    def _is_due(self, payment_id: str, now: float) -> bool:
        first_pause = self._context.timing.first_pause.total_seconds()
        since, pause = self._pauses.setdefault(payment_id, (now, first_pause))
        if now - since < pause:
            return False
        self._pauses[payment_id] = (now, min(pause * 2, LONGEST_PAUSE))
        return True

    async def _retry_payment(self, payment: Payment) -> None:
        await settle_order(self._context, payment.order_id)
        if payment.status is Status.AWAITING:
            intent = await self._context.gateway.retrieve(payment.intent_id)
            if intent is not None and intent.state is not State.AWAITING:
                await apply_intent(self._context, intent)


async def _each(items: Sequence[T], act: Callable[[T], Awaitable[None]]) -> None:
    """Runs `act` on the items, CONCURRENCY at a time. Other items go on after a failure.

    A failed item is logged and left to a later sweep.
    """
    turns = asyncio.Semaphore(CONCURRENCY)

    async def one(item: T) -> None:
        async with turns:
            try:
                await act(item)
            except Unavailable as error:
                log.info("outcome is not known yet", extra={"order": item.order_id, "error": repr(error)})
            except SettlementRefused:
                log.exception("the provider refuses to settle", extra={"order": item.order_id})
            except Exception:
                log.exception("check of an order failed", extra={"order": item.order_id})

    await asyncio.gather(*(one(item) for item in items))


async def _run(job: str, sweep: Callable[[], Awaitable[int]]) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await sweep()
            jobs.succeeded(job)
        except (DatabaseError, Unavailable) as error:
            log.warning("sweep of %s failed", job, extra={"error": repr(error)})
        except Exception:
            log.exception("sweep of %s failed", job)


async def run_attempts(context: PaymentContext) -> None:
    """Sweeps the attempts in a loop until the task is cancelled."""
    await _run("payment_attempts", lambda: sweep_attempts(context))


async def run_payments(context: PaymentContext) -> None:
    """Sweeps the open payments in a loop until the task is cancelled."""
    await _run("open_payments", OpenPayments(context).sweep)
