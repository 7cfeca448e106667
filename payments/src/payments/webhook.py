"""What the provider tells by itself: a hint to look, never the truth.

An event is verified on its raw body and stored by its id; then the intent that it names is retrieved from
the provider and taken in like any other answer. So forged, repeated, late and shuffled events change
nothing that the provider doesn't say when asked.
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
    """The fields of Stripe's event object that are read here."""

    id: str
    type: str
    data: _Data


def verified(payload: bytes, header: str, secret: str) -> WebhookEvent:
    """Raises BadSignature for an event that isn't the provider's, or whose time is not about now.

    Stripe's own check lets a time in the future pass, which would let a caught event be kept for later.
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
    """Takes effect once; raises OutcomeUnknown, to be sent again, while the provider can't be asked."""
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
    """The first `t`, as Stripe's own check reads it."""
    return next(
        int(value) for name, _, value in (part.partition("=") for part in header.split(",")) if name == "t"
    )
