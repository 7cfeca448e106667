"""Use cases of a buyer: pay, and confirm a further step."""

import asyncio
import logging
from datetime import timedelta

from common.base import times
from common.base.errors import Conflict, NotAuthorized
from common.base.identity import CurrentUser
from payments.context import PaymentContext
from payments.domain import RETRYABLE, Charge, ChargeStatus, Payment, Status
from payments.errors import (
    AmountRefused,
    BadToken,
    CancelledOrder,
    CompleteOrder,
    Declined,
    ExpiredOrder,
    NothingToConfirm,
    OutcomeUnknown,
    SettlementRefused,
    TooManyDeclines,
    TooManyDeclinesToday,
)
from payments.gateway import Intent, State
from payments.order import Order
from payments.settlement import apply_intent, make_intent

log = logging.getLogger(__name__)

LEAST_WAIT = timedelta(minutes=1)
"""`Retry-After` of an order with too many declines is the end of its hold, and no less than this."""


async def pay(context: PaymentContext, user: CurrentUser, order_id: str, token: str) -> Payment:
    """Pays an order; returns the order's one payment, authorised or awaiting the card owner's further step.

    Of several concurrent requests, one calls the provider. The others wait for the outcome of that call.

    Raises Declined, BadToken, or an error for the order's state (CancelledOrder, CompleteOrder,
    ExpiredOrder); OutcomeUnknown if the provider gives no answer, or if the wait for another request takes
    longer than `timing.wait`; NotFound for an unknown order; NotAuthorized for another user's order;
    TooManyDeclines or TooManyDeclinesToday, without a call to the provider.
    """
    deadline = times.now() + context.timing.wait
    waited_for = ""
    while True:
        order = await _own(context, user, order_id)
        payment, charge = await _so_far(context, order_id)
        if payment is not None and not _may_try_again(payment, charge):
            return _standing(payment)
        if charge is not None and waited_for == charge.key != "":
            _pass_on_decline(charge)
        if charge is None or charge.status in RETRYABLE:
            _require_payable(order)
            now = times.now()
            fresh = (charge or Charge.of(order, now)).with_card(now, now + context.timing.grace)
            if await _begin(context, order, fresh, charge):
                return await _authorize(context, fresh, token)
            continue
        if times.now() >= deadline:
            raise OutcomeUnknown()
        waited_for = charge.key
        await asyncio.sleep(context.timing.poll.total_seconds())


async def confirm(context: PaymentContext, user: CurrentUser, order_id: str) -> Payment:
    """Checks at the provider whether the card's owner took the further step.

    Raises Declined if the step failed; the order may then be paid with another token. Raises
    NothingToConfirm for an order without a payment.
    """
    await _own(context, user, order_id)
    payment = await context.repositories.payments.of_order(order_id)
    if payment is None:
        raise NothingToConfirm()
    if payment.status is not Status.AWAITING:
        return _standing(payment)
    intent = await context.gateway.after_step(payment.intent_id)
    if intent is None:
        raise OutcomeUnknown()
    return await _outcome(context, intent)


async def _own(context: PaymentContext, user: CurrentUser, order_id: str) -> Order:
    order = await context.repositories.orders.get(order_id)
    if order.user_id != user.id:
        raise NotAuthorized()
    if order.is_cancelled:
        raise CancelledOrder()
    return order


async def _so_far(context: PaymentContext, order_id: str) -> tuple[Payment | None, Charge | None]:
    payment = await context.repositories.payments.of_order(order_id)
    return payment, await context.repositories.charges.find(order_id)


def _may_try_again(payment: Payment, charge: Charge | None) -> bool:
    """Whether the further step failed, or another card's confirmation began after the failure."""
    if payment.status is not Status.AWAITING or charge is None:
        return False
    return charge.status is not ChargeStatus.RESOLVED


def _pass_on_decline(charge: Charge) -> None:
    if charge.status is ChargeStatus.DECLINED:
        raise Declined(charge.decline_reason)


def _require_payable(order: Order) -> None:
    if order.is_complete:
        raise CompleteOrder()
    if order.is_expired(times.now()):
        raise ExpiredOrder()


def _standing(payment: Payment) -> Payment:
    """Returns the payment. Raises CancelledOrder for a voided one, whose order was cancelled.

    The event of the cancellation may not have reached this service yet.
    """
    if payment.status is Status.VOIDED:
        raise CancelledOrder()
    return payment


async def _begin(context: PaymentContext, order: Order, fresh: Charge, previous: Charge | None) -> bool:
    """Stores the card's confirmation within the limits of declines; False if another request was faster.

    The order's cards come one after another, so that the count in the charge is the order's.
    """
    charges, declined, limits = context.repositories.charges, context.repositories.declined, context.limits
    if previous is not None and previous.declines >= limits.of_order:
        wait = max(order.expires_at - times.now(), LEAST_WAIT)
        raise TooManyDeclines(times.whole_seconds(wait))
    try:
        await declined.take_place(order.user_id, limits.per_day)
    except TooManyDeclinesToday:
        # The last places may be those of concurrent requests for this very order: one of them begins.
        await asyncio.sleep(context.timing.poll.total_seconds())
        if await charges.find(order.id) == previous:
            raise
        return False
    if await charges.begin(fresh, previous):
        return True
    await declined.return_place(order.user_id)
    return False


async def _authorize(context: PaymentContext, charge: Charge, token: str) -> Payment:
    charges = context.repositories.charges
    try:
        intent_id = charge.intent_id or (await make_intent(context, charge)).id
    except AmountRefused as refused:
        await charges.decline(charge.order_id, charge.number, charge.key, str(refused))
        raise
    except OutcomeUnknown:
        # Nothing was asked of a card yet.
        await charges.fail(charge)
        raise
    try:
        intent = await context.gateway.confirm(intent_id, charge.key, token)
    except BadToken:
        await charges.fail(charge)
        raise
    except OutcomeUnknown:
        found = await context.gateway.retrieve(intent_id)
        if found is None or not charge.has_outcome(found):
            raise
        intent = found
    return await _outcome(context, intent)


async def _outcome(context: PaymentContext, intent: Intent) -> Payment:
    """Records the intent, returns the payment. Raises Declined, CancelledOrder or OutcomeUnknown."""
    try:
        await apply_intent(context, intent)
    except (Conflict, OutcomeUnknown, SettlementRefused):
        # The sweep settles the rest later. The buyer receives the current state of the payment.
        log.warning(
            "payment is not settled yet, the sweep will retry",
            exc_info=True,
            extra={"order": intent.order_id},
        )
        # The payment may still be authorised here, and its money is given back.
        await _refuse_ended(context, intent.order_id)
    payment = await context.repositories.payments.of_order(intent.order_id)
    if intent.state is State.DECLINED:
        raise Declined(intent.decline_reason)
    if intent.state is State.VOIDED and not _is_voided(payment):
        await _refuse_ended(context, intent.order_id)
        raise Declined(intent.decline_reason)
    if payment is None or intent.state is State.PENDING:
        raise OutcomeUnknown()
    return _standing(payment)


async def _refuse_ended(context: PaymentContext, order_id: str) -> None:
    """Raises CancelledOrder where the order was cancelled meanwhile."""
    order = await context.repositories.orders.lookup(order_id)
    if order is not None and order.is_cancelled:
        raise CancelledOrder() from None


def _is_voided(payment: Payment | None) -> bool:
    return payment is not None and payment.status is Status.VOIDED
