"""Stripe gateway, by the official SDK: PaymentIntents with immediate confirmation and manual capture.

Stripe saves the first answer to an idempotency key, a 500 included, and repeats it for at least 24 hours.
Therefore an attempt is sent with its own key only, and is looked up if the answer leaves the outcome open.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import stripe
from stripe import HTTPXClient, PaymentIntent, StripeClient
from stripe.params import PaymentIntentCreateParams

from payments.errors import BadToken, OutcomeUnknown, SettlementRefused
from payments.gateway import Charge, Intent, State

log = logging.getLogger(__name__)

CURRENCY = "usd"
TIMEOUT_SECONDS = 10.0
NETWORK_RETRIES = 2
PAGE = 100
NOT_FOUND = 404
CLOCK_SKEW = timedelta(minutes=5)

_STATES = {
    "requires_action": State.AWAITING,
    "requires_capture": State.AUTHORIZED,
    "succeeded": State.CAPTURED,
    "canceled": State.VOIDED,
}
_AMOUNT_CODES = frozenset({"amount_too_small", "amount_too_large"})

T = TypeVar("T")


class StripeGateway:
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
        self._client = StripeClient(
            key,
            base_addresses={} if api_base is None else {"api": api_base},
            max_network_retries=network_retries,
            http_client=self._http,
        )
        self._intents = self._client.v1.payment_intents

    async def prepare(self) -> None:
        return

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the SDK's method is untyped

    async def authorize(self, charge: Charge) -> Intent:
        try:
            created = await _ask(
                self._intents.create_async(_create_params(charge), {"idempotency_key": charge.key})
            )
        except stripe.CardError as error:
            return _declined(charge, error, _intent_id_of(error))
        except stripe.InvalidRequestError as error:
            if (error.param or "").startswith("payment_method") or (error.code or "").startswith("token_"):
                raise BadToken() from None
            if error.code in _AMOUNT_CODES:
                return _declined(charge, error, "")
            log.exception("Stripe refused the request as invalid")
            raise OutcomeUnknown() from None
        return _require_intent(created)

    async def find(self, charge: Charge) -> Intent | None:
        """Finds the intent by listing, which includes new intents at once. Stripe's search lags behind."""
        async for intent in self.since(charge.started_at):
            if (intent.order_id, intent.attempt) == (charge.order_id, charge.attempt):
                return intent
        return None

    async def since(self, moment: datetime) -> AsyncIterator[Intent]:
        since = int((moment - CLOCK_SKEW).timestamp())
        first = await _ask(self._intents.list_async({"created": {"gte": since}, "limit": PAGE}))
        listed = first.auto_paging_iter()
        while (found := await _ask(_next(listed))) is not None:
            intent = _intent(found)
            if intent is not None:
                yield intent

    async def retrieve(self, intent_id: str) -> Intent | None:
        if not intent_id.startswith("pi_"):
            return None
        try:
            return _intent(await _ask(self._intents.retrieve_async(intent_id)))
        except stripe.InvalidRequestError as error:
            if error.http_status == NOT_FOUND:
                return None
            raise OutcomeUnknown() from error

    async def confirm(self, intent_id: str) -> Intent | None:
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
        attempts: tuple[stripe.RequestOptions, ...] = ({"idempotency_key": key}, {})
        for options in attempts:
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


def _create_params(charge: Charge) -> PaymentIntentCreateParams:
    params: PaymentIntentCreateParams = {
        "amount": charge.amount.cents,
        "currency": CURRENCY,
        "capture_method": "manual",
        "confirm": True,
        # `payment_method_types` is refused since the API version that this SDK pins (2026-09-30).
        "allowed_payment_method_types": ["card"],
        "metadata": {"order_id": charge.order_id, "attempt": str(charge.attempt)},
    }
    if charge.token.startswith("tok_"):
        params["payment_method_data"] = {"type": "card", "card": {"token": charge.token}}  # type: ignore[typeddict-unknown-key]  # the API accepts the field, the SDK's types lack it
    else:
        params["payment_method"] = charge.token
    return params


async def _ask(call: Awaitable[T]) -> T:
    """Awaits a call. Raises OutcomeUnknown for every error but CardError and InvalidRequestError."""
    try:
        return await call
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        log.warning("Stripe call failed, outcome unknown", extra={"error": repr(error)})
        raise OutcomeUnknown() from error


async def _next(listed: Any) -> PaymentIntent | None:
    intent: PaymentIntent | None = await anext(listed, None)
    return intent


def _intent_id_of(error: stripe.CardError) -> str:
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    intent = body.get("error", {}).get("payment_intent") or {}
    return str(intent.get("id", ""))


def _declined(charge: Charge, error: stripe.StripeError, intent_id: str) -> Intent:
    reason = error.user_message or "The payment was declined"
    return Intent(intent_id, charge.order_id, charge.attempt, State.DECLINED, reason)


def _require_intent(found: PaymentIntent) -> Intent:
    intent = _intent(found)
    if intent is None:
        raise OutcomeUnknown(f"{found.id} has no order in its metadata")
    return intent


def _intent(found: PaymentIntent) -> Intent | None:
    """Intent of a Stripe PaymentIntent; None for one that belongs to no order."""
    record = found.to_dict()
    metadata = record.get("metadata") or {}
    order_id, attempt = metadata.get("order_id"), metadata.get("attempt", "")
    if not order_id or not attempt.isdecimal():
        return None
    state, reason = _state(record)
    secret = record.get("client_secret") if state is State.AWAITING else None
    return Intent(record["id"], order_id, int(attempt), state, reason, secret)


def _state(record: Mapping[str, Any]) -> tuple[State, str]:
    """State and decline reason of a PaymentIntent.

    `requires_payment_method` means declined only with a `last_payment_error`; without one, the first try may
    still be to come.
    """
    error = record.get("last_payment_error")
    if record["status"] == "requires_payment_method" and error:
        return State.DECLINED, error.get("message") or "The payment was declined"
    return _STATES.get(record["status"], State.PENDING), ""
