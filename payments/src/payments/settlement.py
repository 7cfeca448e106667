"""Settlement: `apply_intent` applies the provider's state to the payment, `settle_order` the order's end.

Both functions are idempotent and accept any order of arrival. An authorisation and an order's end may arrive
at the same moment. The process that authorised stores the payment, then reads the order. The process that
receives the end stores the end, then reads the payment. So at least one of the two processes reads both.
"""

import logging

from common.persistence.repository import retrying
from payments.context import PaymentContext
from payments.domain import Charge, Payment, Status
from payments.errors import StrayIntent
from payments.gateway import Intent, State

log = logging.getLogger(__name__)


async def apply_intent(context: PaymentContext, intent: Intent) -> None:
    """Records an intent's state, as the provider reports it, and settles the order if that is due.

    Raises the errors of `settle_order`. The charge stays due for the sweep until all steps are done.
    """
    charges = context.repositories.charges
    charge = await charges.find(intent.order_id)
    if charge is None:
        # The intent's metadata names an order without a charge in this database: another system's intent.
        log.warning("an intent of an unknown order", extra={"intent": intent.id, "order": intent.order_id})
    elif intent.state in (State.AUTHORIZED, State.AWAITING):
        await _adopt_intent(context, intent, charge)
        await settle_order(context, intent.order_id)
        is_awaiting, is_other = intent.state is State.AWAITING, intent.number != charge.intent_number
        await charges.finish(intent.order_id, intent.number, is_awaiting=is_awaiting, is_other=is_other)
    elif intent.state in (State.CAPTURED, State.VOIDED):
        await _sync_state(context, intent)
    elif intent.state is State.DECLINED:
        await charges.decline(intent.order_id, intent.number, intent.decline_id, intent.decline_reason)


async def make_intent(context: PaymentContext, charge: Charge) -> Intent:
    """Makes the order's intent at the provider. Raises AmountRefused or OutcomeUnknown."""
    intent = await context.gateway.create(charge.order_id, charge.intent_number, charge.amount)
    await context.repositories.charges.made(charge, intent.id)
    return intent


async def settle_order(context: PaymentContext, order_id: str) -> None:
    """Captures the money of a complete order, voids the money of a cancelled order; else does nothing.

    Raises OutcomeUnknown until the provider confirms the settlement; SettlementRefused if it is impossible.
    """
    payments = context.repositories.payments

    async def decide() -> None:
        payment = await payments.of_order(order_id)
        if payment is None or not payment.is_open:
            return
        order = await context.repositories.orders.lookup(order_id)
        if order is None:
            return
        if order.is_complete and payment.status is Status.AUTHORIZED:
            await context.gateway.capture(payment.intent_id, f"capture:{payment.id}")
            payment.capture()
        elif order.is_cancelled:
            await context.gateway.void(payment.intent_id, void_key(payment.intent_id))
            payment.void()
        await payments.save(payment)

    await retrying(decide)


def void_key(intent_id: str) -> str:
    return f"void:{intent_id}"


async def _adopt_intent(context: PaymentContext, intent: Intent, charge: Charge) -> None:
    """Makes the intent the order's payment; voids an intent of the last release that is one too many."""
    payments = context.repositories.payments

    async def decide() -> None:
        payment = await payments.of_order(intent.order_id) or Payment.of(charge)
        if intent.state is State.AUTHORIZED:
            payment.authorize(intent)
        else:
            payment.await_owner(intent)
        await payments.save(payment)

    try:
        await retrying(decide)
    except StrayIntent as stray:
        log.warning("a second authorisation is voided", extra={"about": str(stray)})
        await context.gateway.void(intent.id, void_key(intent.id))


async def _sync_state(context: PaymentContext, intent: Intent) -> None:
    """Copies the provider's newer state to the payment.

    The provider's state is newer after a crash between the two writes, or after a manual change at the
    provider.
    """
    payments = context.repositories.payments

    async def decide() -> None:
        payment = await payments.of_order(intent.order_id)
        if payment is None or payment.intent_id != intent.id or payment.status is not Status.AUTHORIZED:
            return
        if intent.state is State.CAPTURED:
            payment.capture()
        else:
            log.warning("an authorisation was voided at the provider", extra={"payment": payment.id})
            payment.void()
        await payments.save(payment)

    await retrying(decide)
    await settle_order(context, intent.order_id)
    if intent.state is State.VOIDED:
        reason = "The authorisation was cancelled"
        await context.repositories.charges.decline(intent.order_id, intent.number, intent.id, reason)
    else:
        await context.repositories.charges.finish(intent.order_id, intent.number)
