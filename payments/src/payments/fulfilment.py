"""Money after the order's completion: refunded to the buyer, or paid out to the seller, as orders decided.

The listener stores the decision in the payment, which becomes due, and looks at it; the sweep looks again
until it is done. Each look may come at any time, twice, or after a crash: the provider's calls have their
effect once, and the payment is saved after the call.
"""

import logging
from datetime import datetime, timedelta

from prometheus_client import Counter

from common.base import times
from common.base.errors import Conflict, Unavailable
from common.base.money import Money
from common.persistence.repository import retrying
from payments.context import PaymentContext
from payments.domain import OPEN, Payment, Status
from payments.dues import Due
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import DisputeState, State
from payments.ledger import less_fee
from payments.order import Fulfilment
from payments.settlement import apply_intent, settle_order

log = logging.getLogger(__name__)

_REFUSALS = Counter(
    "payments_settlement_refusals", "Refunds and payouts that the provider refused for good", ["goal"]
)

SHORTEST_PAUSE = timedelta(seconds=1)
REFUSAL_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)


class _Waits(Exception):
    """The seller can't be paid yet. An account that gets ready, or a dispute's end, makes it due."""


async def settle_due(context: PaymentContext, order_id: str) -> None:
    """Looks at the order's payment at once. A failure is left to the sweep, so that it holds up no event."""
    due = await context.repositories.dues.of_order(order_id)
    if due is None:
        return
    try:
        await look_at(context, due)
    except (Conflict, Unavailable) as error:
        log.info("left to the sweep", extra={"order": order_id, "error": repr(error)})


async def look_at(context: PaymentContext, due: Due) -> None:
    """Refunds or pays out, and ends the payment's being due. Raises OutcomeUnknown or an outage."""
    dues, now = context.repositories.dues, times.now()
    leased = now + context.timing.lease
    if not await dues.lease(due, leased):
        return
    # Without an answer, the pause is half the age.
    later = now + max(SHORTEST_PAUSE, min((now - due.since) / 2, context.timing.lease))
    try:
        later = await _settle(context, due, now) or later
    finally:
        await dues.postpone(due, leased, later)


async def _settle(context: PaymentContext, due: Due, now: datetime) -> datetime | None:
    """Time of the next look; None where it is done, or refused for good."""
    dues = context.repositories.dues
    try:
        if due.goal is Fulfilment.ACCEPTED:
            await _pay_out(context, due.order_id)
        else:
            await _refund(context, due.order_id)
    except _Waits as waits:
        log.info("not paid out yet", extra={"order": due.order_id, "why": str(waits)})
        return now + LONGEST_PAUSE
    except SettlementRefused as refusal:
        _REFUSALS.labels(str(due.goal)).inc()
        await dues.refused(due)
        extra = {"order": due.order_id, "goal": str(due.goal), "error": str(refusal), "since": due.since}
        log.error("the provider refuses, a person has to look at it", extra=extra)
        return now + max(REFUSAL_PAUSE, min(now - due.since, LONGEST_PAUSE))
    await dues.done(due.order_id)
    return None


async def _captured(context: PaymentContext, order_id: str) -> Payment | None:
    """The payment once its money is captured; None where the provider has none of it.

    A decision of orders follows the completion, so a payment that is open is to be captured first. Raises
    OutcomeUnknown until it is.
    """
    try:
        await settle_order(context, order_id)
    except SettlementRefused:
        await _read_back(context, order_id)
    payment = await context.repositories.payments.of_order(order_id)
    if payment is None or payment.status in OPEN:
        raise OutcomeUnknown()
    return payment if payment.status is Status.CAPTURED else None


async def _read_back(context: PaymentContext, order_id: str) -> None:
    """Voids the payment of an authorisation that ran out, or was cancelled at the provider."""
    payment = await context.repositories.payments.of_order(order_id)
    intent = None if payment is None else await context.gateway.retrieve(payment.intent_id)
    if intent is not None and intent.state is State.VOIDED:
        await apply_intent(context, intent)


async def _refund(context: PaymentContext, order_id: str) -> None:
    """Refunds captured money. Money that was never taken needs no refund: its payment is voided."""
    payments = context.repositories.payments
    if await _captured(context, order_id) is None:
        return

    async def decide() -> None:
        payment = await payments.of_order(order_id)
        if payment is None or not payment.is_held or payment.fulfilment is not Fulfilment.REFUNDED:
            return
        await context.gateway.refund(order_id, payment.intent_id, payment.amount)
        payment.refund()
        await payments.save(payment)

    await retrying(decide)


async def _pay_out(context: PaymentContext, order_id: str) -> None:
    """Pays the seller the price less the fee. Raises _Waits; SettlementRefused where no money was taken."""
    payments = context.repositories.payments
    if await _captured(context, order_id) is None:
        raise SettlementRefused("the authorisation ran out before the capture")

    async def decide() -> None:
        payment = await payments.of_order(order_id)
        if payment is None or not payment.is_held or payment.fulfilment is not Fulfilment.ACCEPTED:
            return
        payment.pay_out(await _transfer(context, payment))
        await payments.save(payment)

    await retrying(decide)


async def _transfer(context: PaymentContext, payment: Payment) -> Money:
    """Amount that the provider transferred. What was transferred before counts, also during a dispute."""
    account = await context.repositories.accounts.of(payment.seller_id)
    if (
        account is not None
        and account.ready
        and payment.dispute not in (DisputeState.OPEN, DisputeState.LOST)
    ):
        amount = less_fee(payment.amount, context.fee_percent)
        return await context.gateway.pay_out(payment.order_id, payment.intent_id, account.id, amount)
    made = await context.gateway.transfer_of(payment.order_id)
    if made is None:
        raise _Waits("the seller's account is not ready, or the payment is disputed")
    return made
