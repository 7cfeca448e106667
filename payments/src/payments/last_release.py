"""Attempts of the last release, which made an intent at each attempt to pay, and looked it up by its number.

Its processes run beside this release's in a rollout, and its attempts are finished here. One release later
this module, StrayIntent, and the fields that only it reads are to be dropped (docs/decisions/0044).
"""

from datetime import datetime, timedelta

from common.base import times
from payments.context import PaymentContext
from payments.domain import Charge
from payments.gateway import Intent, State
from payments.settlement import apply_intent

PAUSE = timedelta(seconds=5)
LONGEST_CALL = timedelta(seconds=60)
"""Age of an attempt from which the provider's answer "unknown" is final."""


async def find_outcome(context: PaymentContext, attempt: Charge, check_at: datetime) -> None:
    """Looks an attempt up. After a minute without an intent, another card may be tried."""
    now = times.now()
    if not await context.repositories.attempts.lease(attempt.order_id, check_at, now + PAUSE):
        return
    intent = await _find(context, attempt)
    if intent is not None and intent.state is not State.PENDING:
        await apply_intent(context, intent)
    elif now - attempt.started_at >= LONGEST_CALL:
        await context.repositories.charges.fail(attempt)


async def _find(context: PaymentContext, attempt: Charge) -> Intent | None:
    async for intent in context.gateway.since(attempt.started_at):
        if (intent.order_id, intent.number) == (attempt.order_id, attempt.number):
            return intent
    return None
