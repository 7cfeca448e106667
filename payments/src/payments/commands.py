"""Use cases of a buyer: pay, and confirm a further step."""

import asyncio
import logging
from datetime import timedelta

from common.base import times
from common.base.errors import Conflict, NotAuthorized
from common.base.identity import CurrentUser
from payments.context import PaymentContext
from payments.domain import RETRYABLE, Attempt, AttemptStatus, Order, Payment, Status
from payments.errors import (
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
from payments.gateway import Charge, Intent, State
from payments.settlement import apply_intent

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
    waited_for = 0
    while True:
        order = await _own(context, user, order_id)
        payment, attempt = await _so_far(context, order_id)
        if payment is not None and not _may_try_again(payment, attempt):
            return _standing(payment)
        if attempt is not None and attempt.charge.attempt == waited_for:
            _pass_on_decline(attempt)
        if attempt is None or attempt.status in RETRYABLE:
            _require_payable(order)
            fresh = Attempt.begin(order, token, attempt, times.now(), times.now() + context.timing.grace)
            if await _begin(context, order, fresh, attempt):
                return await _authorize(context, fresh.charge)
            continue
        if times.now() >= deadline:
            raise OutcomeUnknown()
        waited_for = attempt.charge.attempt
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
    intent = await context.gateway.confirm(payment.intent_id)
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


async def _so_far(context: PaymentContext, order_id: str) -> tuple[Payment | None, Attempt | None]:
    payment = await context.repositories.payments.of_order(order_id)
    return payment, await context.repositories.attempts.find(order_id)


def _may_try_again(payment: Payment, attempt: Attempt | None) -> bool:
    """Whether the further step failed, or another attempt began after the failure."""
    if payment.status is not Status.AWAITING or attempt is None:
        return False
    return attempt.status in RETRYABLE or attempt.charge.attempt > payment.attempt


def _pass_on_decline(attempt: Attempt) -> None:
    if attempt.status is AttemptStatus.DECLINED:
        raise Declined(attempt.decline_reason)


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


async def _begin(context: PaymentContext, order: Order, fresh: Attempt, previous: Attempt | None) -> bool:
    """Stores the attempt within the limits of declines; False if another request was faster.

    The order's attempts come one after another, so that the previous one's count is the order's.
    """
    declined, limits = context.repositories.declined, context.limits
    if previous is not None and previous.declines >= limits.of_order:
        wait = max(order.expires_at - times.now(), LEAST_WAIT)
        raise TooManyDeclines(times.whole_seconds(wait))
    try:
        await declined.take_place(order.user_id, limits.per_day)
    except TooManyDeclinesToday:
        # The last places may be those of concurrent requests for this very order: one of them begins.
        await asyncio.sleep(context.timing.poll.total_seconds())
        if await context.repositories.attempts.find(order.id) == previous:
            raise
        return False
    if await context.repositories.attempts.begin(fresh):
        return True
    await declined.return_place(order.user_id)
    return False


async def _authorize(context: PaymentContext, charge: Charge) -> Payment:
    try:
        intent = await context.gateway.authorize(charge)
    except BadToken:
        await context.repositories.attempts.fail(charge.order_id, charge.attempt)
        raise
    except OutcomeUnknown:
        found = await context.gateway.find(charge)
        if found is None:
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
        order = await context.repositories.orders.lookup(intent.order_id)
        if order is not None and order.is_cancelled:
            # The payment may still be authorised here, and its money is given back.
            raise CancelledOrder() from None
    payment = await context.repositories.payments.of_order(intent.order_id)
    if intent.state is State.DECLINED or (intent.state is State.VOIDED and not _is_voided(payment)):
        raise Declined(intent.decline_reason)
    if payment is None or intent.state is State.PENDING:
        raise OutcomeUnknown()
    return _standing(payment)


def _is_voided(payment: Payment | None) -> bool:
    return payment is not None and payment.status is Status.VOIDED
