"""Stripe gateway, by the official SDK: one PaymentIntent an order, with manual capture.

Stripe saves the first answer to an idempotency key, a 500 included, and repeats it for at least 24 hours.
Therefore each card has a key of its own, and the intent is read where an answer leaves the outcome open.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import stripe
from stripe import HTTPXClient, PaymentIntent, StripeClient
from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

from common.base.money import Money
from payments.errors import AmountRefused, BadToken, OutcomeUnknown, SettlementRefused
from payments.gateway import Intent, State, intent_key
from payments.stripe_exchange import CURRENCY, NOT_FOUND, StripeExchange, ask, keyed

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
NETWORK_RETRIES = 2
PAGE = 100
UNEXPECTED_STATE = "payment_intent_unexpected_state"
CLOCK_SKEW = timedelta(minutes=5)

_STATES = {
    "requires_action": State.AWAITING,
    "requires_capture": State.AUTHORIZED,
    "succeeded": State.CAPTURED,
    "canceled": State.VOIDED,
}
_AMOUNT_CODES = frozenset({"amount_too_small", "amount_too_large"})


class StripeGateway(StripeExchange):
    def __init__(
        self,
        key: str,
        *,
        api_base: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        network_retries: int = NETWORK_RETRIES,
    ) -> None:
        """api_base: Address that replaces Stripe's own. timeout: In seconds."""
        self._http = HTTPXClient(timeout=timeout)
        client = StripeClient(
            key,
            base_addresses={} if api_base is None else {"api": api_base},
            max_network_retries=network_retries,
            http_client=self._http,
        )
        super().__init__(client)
        self._intents = client.v1.payment_intents

    async def prepare(self) -> None:
        return

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the SDK's method is untyped

    async def create(self, order_id: str, number: int, amount: Money) -> Intent:
        params, options = _create_params(order_id, number, amount), keyed(intent_key(order_id))
        try:
            return _require_intent(await ask(self._intents.create_async(params, options)))
        except stripe.InvalidRequestError as error:
            if error.code in _AMOUNT_CODES:
                raise AmountRefused(error.user_message) from None
            raise _refused() from None

    async def confirm(self, intent_id: str, key: str, token: str) -> Intent:
        params = _confirm_params(token)
        try:
            return _require_intent(await ask(self._intents.confirm_async(intent_id, params, keyed(key))))
        except stripe.CardError as error:
            return await self._existing(intent_id, _intent_of(error))
        except stripe.InvalidRequestError as error:
            if error.code == UNEXPECTED_STATE:
                return await self._existing(intent_id, None)
            if (error.param or "").startswith("payment_method") or (error.code or "").startswith("token_"):
                raise BadToken() from None
            raise _refused() from None

    async def _existing(self, intent_id: str, shown: Intent | None) -> Intent:
        """The intent that an error shows, or else the current one."""
        if found := shown or await self.retrieve(intent_id):
            return found
        raise OutcomeUnknown()

    async def since(self, moment: datetime) -> AsyncIterator[Intent]:
        since = int((moment - CLOCK_SKEW).timestamp())
        first = await ask(self._intents.list_async({"created": {"gte": since}, "limit": PAGE}))
        listed = first.auto_paging_iter()
        while (found := await ask(_next(listed))) is not None:
            intent = _intent(found.to_dict())
            if intent is not None:
                yield intent

    async def retrieve(self, intent_id: str) -> Intent | None:
        if not intent_id.startswith("pi_"):
            return None
        try:
            return _intent((await ask(self._intents.retrieve_async(intent_id))).to_dict())
        except stripe.InvalidRequestError as error:
            if error.http_status == NOT_FOUND:
                return None
            raise OutcomeUnknown() from error

    async def after_step(self, intent_id: str) -> Intent | None:
        """Reads the intent. The card's owner takes the step between the browser and Stripe."""
        return await self.retrieve(intent_id)

    async def capture(self, intent_id: str, key: str) -> None:
        async def capture(options: stripe.RequestOptions) -> PaymentIntent:
            return await self._intents.capture_async(intent_id, options=options)

        await self._settle(intent_id, State.CAPTURED, key, capture)

    async def void(self, intent_id: str, key: str) -> None:
        async def cancel(options: stripe.RequestOptions) -> PaymentIntent:
            return await self._intents.cancel_async(intent_id, options=options)

        await self._settle(intent_id, State.VOIDED, key, cancel)

    async def _settle(
        self,
        intent_id: str,
        goal: State,
        key: str,
        act: Callable[[stripe.RequestOptions], Awaitable[PaymentIntent]],
    ) -> None:
        """Captures or cancels with `key`. After an error, reads the intent; if unchanged, tries once more.

        The second try uses a key from the SDK, because Stripe would repeat a saved 500 for `key`. A second
        key is safe here: Stripe captures or cancels an intent once, with any key.

        Raises SettlementRefused for an unknown intent or the opposite end; OutcomeUnknown after two tries.
        """
        for options in (keyed(key), stripe.RequestOptions()):
            try:
                reached = _require_intent(await act(options)).state
            except stripe.StripeError as error:
                log.warning(
                    "Stripe did not confirm the settlement", extra={"intent": intent_id, "error": repr(error)}
                )
                intent = await self.retrieve(intent_id)
                if intent is None:
                    raise SettlementRefused(f"{intent_id} does not exist") from error
                reached = intent.state
            if reached is goal:
                return
            if reached in (State.CAPTURED, State.VOIDED):
                raise SettlementRefused(f"{intent_id} is {reached}, it can't be {goal}")
        raise OutcomeUnknown()


def _create_params(order_id: str, number: int, amount: Money) -> PaymentIntentCreateParams:
    return {
        "amount": amount.cents,
        "currency": CURRENCY,
        "capture_method": "manual",
        # `payment_method_types` is refused since the API version that this SDK pins (2026-09-30).
        "allowed_payment_method_types": ["card"],
        "metadata": {"order_id": order_id, "attempt": str(number)},
    }


def _confirm_params(token: str) -> PaymentIntentConfirmParams:
    if not token.startswith("tok_"):
        return {"payment_method": token}
    return {"payment_method_data": {"type": "card", "card": {"token": token}}}  # type: ignore[typeddict-unknown-key]  # the API accepts the field, the SDK's types lack it


async def _next(listed: Any) -> PaymentIntent | None:
    intent: PaymentIntent | None = await anext(listed, None)
    return intent


def _refused() -> OutcomeUnknown:
    """Logs the error in hand: a request that Stripe calls invalid, for a reason that is no buyer's."""
    log.exception("Stripe refused the request as invalid")
    return OutcomeUnknown()


def _intent_of(error: stripe.CardError) -> Intent | None:
    """The intent in the body of a decline."""
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    record = body.get("error", {}).get("payment_intent")
    return _intent(record) if record else None


def _require_intent(found: PaymentIntent) -> Intent:
    intent = _intent(found.to_dict())
    if intent is None:
        raise OutcomeUnknown(f"{found.id} has no order in its metadata")
    return intent


def _intent(record: Mapping[str, Any]) -> Intent | None:
    """Intent of a Stripe PaymentIntent; None for one that belongs to no order."""
    metadata = record.get("metadata") or {}
    order_id, number = metadata.get("order_id"), metadata.get("attempt", "")
    if not order_id or not number.isdecimal():
        return None
    state, error = _state(record)
    return Intent(
        id=record["id"],
        order_id=order_id,
        number=int(number),
        state=state,
        decline_reason=(error.get("message") or "The payment was declined") if error else "",
        client_secret=record.get("client_secret") if state is State.AWAITING else None,
        decline_id=_decline_id(error) if error else "",
    )


def _state(record: Mapping[str, Any]) -> tuple[State, Mapping[str, Any] | None]:
    """State of a PaymentIntent, and the error of its decline.

    `requires_payment_method` means declined only with a `last_payment_error`; without one, no card was
    confirmed.
    """
    error = record.get("last_payment_error")
    if record["status"] == "requires_payment_method" and error:
        return State.DECLINED, error
    return _STATES.get(record["status"], State.PENDING), None


def _decline_id(error: Mapping[str, Any]) -> str:
    """A decline has a charge of its own, and one at the further step, without a charge, its card."""
    return f"{error.get('charge') or ''}:{(error.get('payment_method') or {}).get('id', '')}"
