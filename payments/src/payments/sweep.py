"""Sweep of charges whose intent is to be made or looked up, and of open payments whose order ended.

And of payments whose money is to be refunded or paid out.

Requests and listeners go first. The sweep handles the cases that a crash, an outage or a silent provider
left behind.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol, TypeVar

from common.base import jobs, times
from common.base.errors import DatabaseError, Unavailable
from payments import last_release
from payments.context import PaymentContext
from payments.domain import Charge, Payment, Status
from payments.errors import AmountRefused, SettlementRefused
from payments.fulfilment import look_at
from payments.gateway import State
from payments.settlement import apply_intent, make_intent, settle_order, void_key

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
PAGE = 200
CONCURRENCY = 16
LONGEST_PAUSE = 60.0


class _OfOrder(Protocol):
    @property
    def order_id(self) -> str: ...


T = TypeVar("T", bound=_OfOrder)


async def sweep_charges(context: PaymentContext) -> int:
    """Looks at the charges that are due; returns their number."""
    due = await context.repositories.charges.due(times.now(), PAGE)
    await _each(due, lambda charge: _look_at(context, charge))
    attempts = await context.repositories.attempts.due(times.now(), PAGE)
    checks = {attempt.order_id: check_at for attempt, check_at in attempts}
    await _each(
        [attempt for attempt, _ in attempts],
        lambda attempt: last_release.find_outcome(context, attempt, checks[attempt.order_id]),
    )
    return len(due) + len(attempts)


async def sweep_dues(context: PaymentContext) -> int:
    """Refunds or pays out the payments that are due; returns their number."""
    due = await context.repositories.dues.due(times.now(), PAGE)
    await _each(due, lambda one: look_at(context, one))
    return len(due)


async def _look_at(context: PaymentContext, charge: Charge) -> None:
    charges, now = context.repositories.charges, times.now()
    leased = now + context.timing.lease
    if not await charges.lease(charge, leased):
        return
    # Older charges are looked at less often: without an answer, the pause is half the age.
    later: datetime | None = now + min((now - charge.started_at) / 2, context.timing.lease)
    try:
        later = await _look(context, charge, now)
    finally:
        await charges.postpone(charge, leased, later)


async def _look(context: PaymentContext, charge: Charge, now: datetime) -> datetime | None:
    """Makes the intent, or finds out its outcome; cancels it after the order. Returns when to look again."""
    order = await context.repositories.orders.lookup(charge.order_id)
    is_over = order is not None and (order.is_cancelled or order.is_complete)
    if charge.intent_id:
        intent = await context.gateway.retrieve(charge.intent_id)
        if intent is not None and charge.has_outcome(intent):
            await apply_intent(context, intent)
        if intent is not None and is_over and intent.state in (State.PENDING, State.DECLINED):
            await context.gateway.void(intent.id, void_key(intent.id))
    elif order is not None and order.is_payable(now):
        with suppress(AmountRefused):
            await make_intent(context, charge)
    if charge.is_on_intent:
        # The confirmation of a card that has no outcome did not arrive, or arrives later. In either case the
        # intent reserves money once.
        await context.repositories.charges.fail(charge)
    if order is None:
        return now + context.timing.lease
    if is_over:
        return None
    return max(order.expires_at, now + context.timing.lease)


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


async def run_charges(context: PaymentContext) -> None:
    """Sweeps the charges in a loop until the task is cancelled."""
    await _run("charges", lambda: sweep_charges(context))


async def run_payments(context: PaymentContext) -> None:
    """Sweeps the open payments in a loop until the task is cancelled."""
    await _run("open_payments", OpenPayments(context).sweep)


async def run_dues(context: PaymentContext) -> None:
    """Sweeps the payments to be refunded or paid out in a loop until the task is cancelled."""
    await _run("dues", lambda: sweep_dues(context))
