"""Stripe after the capture: refunds. `stripe_gateway.py` has the intents.

What was made is looked up before it is made: Stripe repeats a saved 500 for an idempotency key, and forgets
the key after a day.
"""

import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

import stripe
from stripe import StripeClient
from stripe.params import RefundCreateParams

from common.base.money import Money
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import refund_key

log = logging.getLogger(__name__)

LISTED = 100
NOT_FOUND = 404
_MADE = ("succeeded", "pending", "requires_action")
_CONFLICTS = frozenset({"idempotency_key_in_use", "lock_timeout"})

T = TypeVar("T")


class StripeExchange:
    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def refund(self, order_id: str, intent_id: str, amount: Money) -> None:
        """Refunds; after a saved 500, with a new key. Stripe gives no more back than the charge, with any."""
        params = refund_params(order_id, intent_id)
        for options in (keyed(refund_key(order_id)), stripe.RequestOptions()):
            if await self._is_refunded(intent_id, amount):
                return
            with suppress(OutcomeUnknown):
                try:
                    await ask(self._client.v1.refunds.create_async(params, options))
                except stripe.InvalidRequestError as error:
                    if not await self._is_refunded(intent_id, amount):
                        raise refusal(error) from error
        if not await self._is_refunded(intent_id, amount):
            raise OutcomeUnknown()

    async def _is_refunded(self, intent_id: str, amount: Money) -> bool:
        """Whether all of it is given back, also by hand. Raises SettlementRefused after a failed refund."""
        listed = self._client.v1.refunds.list_async({"payment_intent": intent_id, "limit": LISTED})
        try:
            refunds = (await ask(listed)).data
        except stripe.InvalidRequestError as error:
            raise refusal(error) from error
        made = [refund for refund in refunds if refund.status in _MADE]
        if sum(refund.amount for refund in made) >= amount.cents:
            return True
        if len(made) < len(refunds):
            raise SettlementRefused(f"a refund of {intent_id} failed: make it by hand")
        return False


def refund_params(order_id: str, intent_id: str) -> RefundCreateParams:
    """Without an amount, the refund is all that is left."""
    return {"payment_intent": intent_id, "metadata": {"order_id": order_id}}


def refusal(error: stripe.InvalidRequestError) -> Exception:
    """A request that Stripe refuses for good; one that another request holds up is tried again."""
    if error.code in _CONFLICTS:
        return OutcomeUnknown()
    return SettlementRefused(str(error))


def keyed(key: str) -> stripe.RequestOptions:
    return {"idempotency_key": key}


async def ask(call: Awaitable[T]) -> T:
    """Awaits a call. Raises OutcomeUnknown for every error but CardError and InvalidRequestError."""
    try:
        return await call
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        log.warning("Stripe call failed, outcome unknown", extra={"error": repr(error)})
        raise OutcomeUnknown() from error
