"""What becomes of the money: `resolve` takes in what the provider says, `settle` what the order says.

Both bear repetition and any order of arrival. An authorisation and an order's end may come at the same
moment: whoever authorised stores the payment and then reads the order; whoever hears of the end stores it
and then reads the payment. One of the two sees both.
"""

import logging

from common.persistence.repository import retrying
from payments.desk import Desk
from payments.domain import Attempt, Payment, Status
from payments.errors import StrayIntent
from payments.gateway import Intent, State

log = logging.getLogger(__name__)


async def resolve(desk: Desk, intent: Intent) -> None:
    """Records an intent's state, as the provider tells it, and settles the order where that is due.

    Raises what `settle` raises. The attempt stays due to be looked at until all of it is done.
    """
    attempt = await desk.repositories.attempts.find(intent.order_id)
    if attempt is None:
        # Its metadata names an order that this database never asked money for: another system's intent.
        log.warning("an intent of nobody's order", extra={"intent": intent.id, "order": intent.order_id})
    elif intent.state in (State.AUTHORIZED, State.AWAITING):
        spare = await _take_in(desk, intent, attempt)
        await settle(desk, intent.order_id)
        if spare:
            await desk.gateway.void(spare, void_key(spare))
        await desk.repositories.attempts.finish(intent.order_id, intent.attempt)
    elif intent.state in (State.CAPTURED, State.VOIDED):
        await _follow(desk, intent)
    elif intent.state is State.DECLINED:
        await desk.repositories.attempts.decline(intent.order_id, intent.attempt, intent.words)


async def settle(desk: Desk, order_id: str) -> None:
    """Captures the money of a complete order, voids that of a cancelled one; else does nothing.

    Raises OutcomeUnknown while the provider doesn't say that it is done, SettlementRefused if it can't be.
    """
    payments = desk.repositories.payments

    async def decide() -> None:
        payment = await payments.of_order(order_id)
        if payment is None or not payment.is_open:
            return
        order = await desk.repositories.orders.lookup(order_id)
        if order is None:
            return
        if order.is_complete and payment.status is Status.AUTHORIZED:
            await desk.gateway.capture(payment.intent_id, f"capture:{payment.id}")
            payment.capture()
        elif order.is_cancelled:
            await desk.gateway.void(payment.intent_id, void_key(payment.intent_id))
            payment.void()
        await payments.save(payment)

    await retrying(decide)


def void_key(intent_id: str) -> str:
    return f"void:{intent_id}"


async def _take_in(desk: Desk, intent: Intent, attempt: Attempt) -> str:
    """Makes the intent the order's payment, if none is. Returns the intent to be voided, or "".

    That is one whose further step was never taken and that this one replaces, or this one itself.
    """
    payments = desk.repositories.payments

    async def decide() -> str:
        payment = await payments.of_order(intent.order_id) or Payment.of(attempt)
        before = payment.intent_id
        if intent.state is State.AUTHORIZED:
            payment.authorize(intent)
        else:
            payment.await_owner(intent)
        await payments.save(payment)
        return before if before != payment.intent_id else ""

    try:
        return await retrying(decide)
    except StrayIntent as stray:
        log.warning("a second authorisation is voided", extra={"about": str(stray)})
        return intent.id


async def _follow(desk: Desk, intent: Intent) -> None:
    """The provider's record moved on before ours: by a crash between the two, or by hand at the provider."""
    payments = desk.repositories.payments

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
    await settle(desk, intent.order_id)
    if intent.state is State.VOIDED:
        words = "The authorisation was cancelled"
        await desk.repositories.attempts.decline(intent.order_id, intent.attempt, words)
    else:
        await desk.repositories.attempts.finish(intent.order_id, intent.attempt)
