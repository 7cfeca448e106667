"""Webhook of the provider: each event is a hint to read its object, never the source of the state.

An event is verified on its raw body and stored by its id. Then the event's intent, dispute or account is
retrieved from the provider and applied as any other answer. So a forged, repeated, late or shuffled event can
only lead to a state that the provider itself reports.
"""

import time
from contextlib import suppress

from pydantic import BaseModel, ValidationError
from stripe import SignatureVerificationError, WebhookSignature

from common.base import times
from payments.context import PaymentContext
from payments.disputes import apply_dispute
from payments.errors import BadSignature, OutcomeUnknown, SettlementRefused
from payments.payouts import read_account
from payments.settlement import apply_intent

TOLERANCE_SECONDS = 300

INTENTS = frozenset(
    {
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    }
)
DISPUTES = frozenset({"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"})
ACCOUNTS = frozenset({"account.updated"})


class _Object(BaseModel):
    id: str = ""


class _Data(BaseModel):
    object: _Object


class WebhookEvent(BaseModel):
    """Stripe's event object, limited to the fields that this service reads."""

    id: str
    type: str
    data: _Data


def verified(payload: bytes, header: str, secrets: str) -> WebhookEvent:
    """Parses and verifies an event of the provider.

    secrets: One, or several with commas between: Stripe signs the events of sellers' accounts with another.

    Raises BadSignature for a wrong signature, a malformed event, or a time more than 300 seconds from now.
    Stripe's own check accepts a time in the future; with it, an attacker could store an intercepted event
    for later use.
    """
    if not header.isascii():
        raise BadSignature()
    try:
        _verify(payload, header, secrets)
        if _timestamp(header) > time.time() + TOLERANCE_SECONDS:
            raise BadSignature()
        return WebhookEvent.model_validate_json(payload)
    except (SignatureVerificationError, ValidationError, ValueError):
        raise BadSignature() from None


async def take(context: PaymentContext, event: WebhookEvent) -> None:
    """Applies an event once. If the provider is unreachable, raises OutcomeUnknown, to receive it again."""
    webhooks, object_id = context.repositories.webhooks, event.data.object.id
    fields = {"type": event.type, "intent_id": object_id}
    if not await webhooks.receive(event.id, fields, times.now()):
        return
    try:
        await _apply(context, event.type, object_id)
    except SettlementRefused as refusal:
        raise OutcomeUnknown() from refusal
    await webhooks.processed(event.id, times.now())


async def _apply(context: PaymentContext, kind: str, object_id: str) -> None:
    gateway = context.gateway
    if kind in INTENTS and (intent := await gateway.retrieve(object_id)) is not None:
        await apply_intent(context, intent)
    elif kind in DISPUTES and (dispute := await gateway.dispute(object_id)) is not None:
        await apply_dispute(context, dispute)
    elif kind in ACCOUNTS:
        await read_account(context, object_id)


def _verify(payload: bytes, header: str, secrets: str) -> None:
    """Raises SignatureVerificationError unless one of the secrets signed the payload."""
    *others, last = secrets.split(",")
    for secret in others:
        with suppress(SignatureVerificationError):
            WebhookSignature.verify_header(payload, header, secret.strip(), TOLERANCE_SECONDS)
            return
    WebhookSignature.verify_header(payload, header, last.strip(), TOLERANCE_SECONDS)


def _timestamp(header: str) -> int:
    """First `t` of the header in Unix seconds, as Stripe's own check reads it."""
    return next(
        int(value) for name, _, value in (part.partition("=") for part in header.split(",")) if name == "t"
    )
