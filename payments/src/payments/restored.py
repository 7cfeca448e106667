"""`python -m payments restored`: brings the payments of a restored database forward to their events.

The events hold a payment's status and its intent. Its buyer and amount are those of its order. Attempts have
no events: those that began since the backup are read from the provider, by the order and the number in the
metadata of their intents. So a card that was authorised since is captured or voided as if nothing had been
lost, and the next attempt at an order gets a new idempotency key.

An attempt that left no intent at the provider stays lost: it moved no money.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from common.base import times
from common.base.errors import Conflict, DuplicateKey
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import PaymentAwaiting, PaymentCaptured, PaymentCreated, PaymentVoided
from common.messaging.stream import Stream
from common.persistence.mongo import Collection, Database, Document
from common.persistence.replay import Projection
from common.persistence.roll_forward import RollForward, summary
from payments.context import PaymentContext
from payments.domain import Attempt, AttemptStatus, Payment, Status
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import Charge, Intent, PaymentGateway
from payments.publishers import publishers
from payments.rebuild import rebuild
from payments.repository import Repositories
from payments.settlement import apply_intent

log = logging.getLogger(__name__)

PaymentEvent = PaymentAwaiting | PaymentCreated | PaymentCaptured | PaymentVoided


def payment_fields(event: PaymentEvent) -> Mapping[str, Any]:
    match event:
        case PaymentAwaiting():
            return {"order_id": event.order_id, "status": Status.AWAITING.value}
        case PaymentCreated():
            return {
                "order_id": event.order_id,
                "status": Status.AUTHORIZED.value,
                "intent_id": event.stripe_id,
            }
        case PaymentCaptured():
            return {"status": Status.CAPTURED.value}
        case PaymentVoided():
            return {"status": Status.VOIDED.value}


PAYMENTS = Projection((PaymentAwaiting, PaymentCreated, PaymentCaptured, PaymentVoided), payment_fields)


async def restored(stream: Stream, database: Database, gateway: PaymentGateway) -> str:
    """Returns the summary. Raises `roll_forward.Unfinished` with it where a payment is not restored.

    Raises OutcomeUnknown while the provider can't be asked.
    """
    context = PaymentContext(Repositories.over(database, publishers(stream)), gateway)
    payments, marks = context.repositories.payments, database["restoring"]
    since = await _since(context, marks)
    replicas = await rebuild(stream, database)
    count = await _restore_attempts(context, since)

    async def restore(records: Sequence[Document], stored: Mapping[str, Document]) -> Sequence[Payment]:
        made = await asyncio.gather(*(_payment(context, record, stored) for record in records))
        return [payment for payment in made if payment is not None]

    own = await RollForward(stream, payments, PAYMENTS, restore).run()
    try:
        later = await _apply_intents(context, since)
    finally:
        await payments.relay.drained()
    provider = f"provider   {count} intents since {times.iso(since)}, {later} left to the sweep"
    text = summary(own, replicas, provider)
    await marks.drop()
    return text


async def _since(context: PaymentContext, marks: Collection) -> datetime:
    """Moment from which the provider's intents are read: no attempt of the backup began later.

    It is stored first, since a run that is repeated would find the attempts of the run before.
    """
    latest = await context.repositories.attempts.latest_start()
    try:
        await marks.insert_one({"_id": "since", "at": latest or datetime.fromtimestamp(0, UTC)})
    except DuplicateKey:
        log.info("a restoration that was broken off goes on")
    mark = await marks.find_one({"_id": "since"})
    assert mark is not None
    at: datetime = mark["at"]
    return at


async def _restore_attempts(context: PaymentContext, since: datetime) -> int:
    """Stores the attempts that began since the backup; returns the number of intents that were read."""
    count = 0
    async for intent in context.gateway.since(since):
        count += 1
        order = await context.repositories.orders.lookup(intent.order_id)
        if order is None:
            log.warning(
                "an intent of an unknown order", extra={"intent": intent.id, "order": intent.order_id}
            )
            continue
        await context.repositories.attempts.restore(
            Attempt(
                payment_id=new_id(),
                user_id=order.user_id,
                # Until its intent is applied, the service's sweep may check it, too.
                status=AttemptStatus.AUTHORIZING,
                charge=Charge(
                    order.id, intent.attempt, f"order:{order.id}:{intent.attempt}", "", order.price, since
                ),
                decline_reason="",
                check_at=times.now(),
            )
        )
    return count


async def _payment(
    context: PaymentContext, record: Document, stored: Mapping[str, Document]
) -> Payment | None:
    """None for a payment whose order, or whose intent while it awaits its owner, is not known."""
    order = await context.repositories.orders.lookup(record["order_id"])
    if order is None:
        return None
    attempt = await context.repositories.attempts.find(order.id)
    status, intent = Status(record["status"]), None
    if status is Status.AWAITING:
        intent = None if attempt is None else await context.gateway.find(attempt.charge)
        if intent is None:
            return None
    backup = stored.get(record["_id"], {})
    return Payment(
        id=record["_id"],
        version=record["version"],
        order_id=order.id,
        user_id=order.user_id,
        amount=Money(order.price.cents),
        status=status,
        intent_id=intent.id if intent else record.get("intent_id") or backup.get("intent_id", ""),
        attempt=0 if attempt is None else attempt.charge.attempt,
        client_secret=intent.client_secret if intent else None,
    )


async def _apply_intents(context: PaymentContext, since: datetime) -> int:
    """Applies the state of each intent, as a webhook would; returns how many the sweep has to repeat."""
    left = 0
    async for intent in context.gateway.since(since):
        left += not await _apply(context, intent)
    return left


async def _apply(context: PaymentContext, intent: Intent) -> bool:
    try:
        await apply_intent(context, intent)
    except (Conflict, OutcomeUnknown, SettlementRefused) as error:
        log.warning("not settled yet", extra={"intent": intent.id, "error": repr(error)})
        return False
    return True
