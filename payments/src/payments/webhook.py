"""Webhook of the provider: each event is a hint to read the intent, never the source of the state.

An event is verified on its raw body and stored by its id. Then the event's intent is retrieved from the
provider and applied as any other answer. So a forged, repeated, late or shuffled event can only lead to a
state that the provider itself reports.
"""

import time

from pydantic import BaseModel, ValidationError
from stripe import SignatureVerificationError, WebhookSignature

from common.base import times
from payments.context import PaymentContext
from payments.errors import BadSignature, OutcomeUnknown, SettlementRefused
from payments.settlement import apply_intent

TOLERANCE_SECONDS = 300

FOLLOWED = frozenset(
    {
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    }
)


class _Object(BaseModel):
    id: str = ""


class _Data(BaseModel):
    object: _Object


class WebhookEvent(BaseModel):
    """Stripe's event object, limited to the fields that this service reads."""

    id: str
    type: str
    data: _Data


def verified(payload: bytes, header: str, secret: str) -> WebhookEvent:
    """Parses and verifies an event of the provider.

    Raises BadSignature for a wrong signature, a malformed event, or a time more than 300 seconds from now.
    Stripe's own check accepts a time in the future; with it, an attacker could store an intercepted event
    for later use.
    """
    if not header.isascii():
        raise BadSignature()
    try:
        WebhookSignature.verify_header(payload, header, secret, TOLERANCE_SECONDS)
        if _timestamp(header) > time.time() + TOLERANCE_SECONDS:
            raise BadSignature()
        return WebhookEvent.model_validate_json(payload)
    except (SignatureVerificationError, ValidationError, ValueError):
        raise BadSignature() from None


async def take(context: PaymentContext, event: WebhookEvent) -> None:
    """Applies an event once. If the provider is unreachable, raises OutcomeUnknown, to receive it again."""
    webhooks, intent_id = context.repositories.webhooks, event.data.object.id
    fields = {"type": event.type, "intent_id": intent_id}
    if not await webhooks.receive(event.id, fields, times.now()):
        return
    if event.type in FOLLOWED:
        intent = await context.gateway.retrieve(intent_id)
        if intent is not None:
            try:
                await apply_intent(context, intent)
            except SettlementRefused as refusal:
                raise OutcomeUnknown() from refusal
    await webhooks.processed(event.id, times.now())


def _timestamp(header: str) -> int:
    """First `t` of the header in Unix seconds, as Stripe's own check reads it."""
    return next(
        int(value) for name, _, value in (part.partition("=") for part in header.split(",")) if name == "t"
    )
