"""Disputes of cards' owners, which their banks decide: looked up at the provider, never believed.

While a dispute is open nothing is paid out. A lost one has given the money back: it is a refund, or a loss
where the seller was paid before. The bank takes days to decide, so a transfer that was on its way when the
dispute began has arrived by then, and is found.
"""

import logging

from common.base import times
from common.persistence.repository import retrying
from payments.context import PaymentContext
from payments.gateway import Dispute, DisputeState
from payments.order import Fulfilment
from payments.settlement import settle_order

log = logging.getLogger(__name__)


async def apply_dispute(context: PaymentContext, dispute: Dispute) -> None:
    """Records the dispute's state in its payment. Each step may be repeated after a crash.

    Raises OutcomeUnknown or SettlementRefused, as `settle_order`.
    """
    intent = await context.gateway.retrieve(dispute.intent_id)
    if intent is None:
        log.warning("a dispute of an unknown payment", extra={"dispute": dispute.id})
        return
    order_id = intent.order_id
    await settle_order(context, order_id)
    if dispute.state is DisputeState.LOST:
        await _find_transfer(context, order_id)
    await _show(context, order_id, dispute.state)
    if dispute.state is DisputeState.LOST:
        await _give_back(context, order_id)
    await context.repositories.dues.hurry(order_id, times.now())


async def _show(context: PaymentContext, order_id: str, state: DisputeState) -> None:
    payments = context.repositories.payments

    async def decide() -> None:
        payment = await payments.of_order(order_id)
        if payment is not None:
            payment.show_dispute(state)
            await payments.save(payment)

    await retrying(decide)


async def _find_transfer(context: PaymentContext, order_id: str) -> None:
    """Records a transfer whose answer was lost."""
    payments = context.repositories.payments

    async def decide() -> None:
        payment = await payments.of_order(order_id)
        if payment is None or not payment.is_held or payment.fulfilment is not Fulfilment.ACCEPTED:
            return
        made = await context.gateway.transfer_of(order_id)
        if made is not None:
            payment.pay_out(made)
            await payments.save(payment)

    await retrying(decide)


async def _give_back(context: PaymentContext, order_id: str) -> None:
    payments = context.repositories.payments

    async def decide() -> None:
        payment = await payments.of_order(order_id)
        if payment is not None and payment.is_held:
            payment.refund(by_bank=True)
            await payments.save(payment)

    await retrying(decide)
