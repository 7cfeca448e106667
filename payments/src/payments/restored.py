"""`python -m payments restored`: brings the payments of a restored database forward to their events.

The events hold a payment's status and its intent. Its buyer and amount are those of its order. Charges have
no events: those of orders since the backup are read from the provider, by the order in the metadata of their
intents, and the service looks up each intent of the backup that has no payment. So a card that was
authorised since is captured or voided as if nothing had been lost.

A charge without an intent at the provider stays lost: it moved no money, and paying begins it again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

from common.base import times
from common.base.errors import Conflict
from common.base.money import Money
from common.contract.events import (
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentDisputed,
    PaymentRefunded,
    PaymentVoided,
    PayoutMade,
)
from common.messaging.stream import Stream
from common.persistence.mongo import DESCENDING, Database, Document
from common.persistence.own_events import RESTORING
from common.persistence.replay import Projection
from common.persistence.roll_forward import RollForward, marked, summary
from payments import ledger
from payments.context import PaymentContext
from payments.domain import Charge, ChargeStatus, Outcome, Payment, Status
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import DisputeState, Intent, PaymentGateway
from payments.publishers import publishers
from payments.rebuild import follow_all, rebuild
from payments.repository import Repositories
from payments.restored_notes import Notes
from payments.settlement import apply_intent
from payments.sweep import sweep_charges

log = logging.getLogger(__name__)

PaymentEvent = (
    PaymentAwaiting
    | PaymentCreated
    | PaymentCaptured
    | PaymentVoided
    | PaymentRefunded
    | PaymentDisputed
    | PayoutMade
)


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
        case PaymentRefunded():
            return {"outcome": Outcome.REFUNDED.value}
        case PaymentDisputed():
            return {"dispute": DisputeState.OPEN.value if event.open else DisputeState.WON.value}
        case PayoutMade():
            return {"outcome": Outcome.PAID_OUT.value, "paid_cents": event.amount.cents}


PAYMENTS = Projection(get_args(PaymentEvent), payment_fields)


CONCURRENCY = 16


async def restored(stream: Stream, database: Database, gateway: PaymentGateway) -> str:
    """Returns the summary. Raises `roll_forward.Unfinished` with it where a payment is not restored.

    Raises OutcomeUnknown while the provider can't be asked.
    """
    context = PaymentContext(Repositories.over(database, publishers(stream)), gateway)
    payments, notes = context.repositories.payments, Notes(database[RESTORING])

    async def restore(records: Sequence[Document], stored: Mapping[str, Document]) -> Sequence[Payment]:
        intents = await notes.of_orders([record["order_id"] for record in records])
        made = await asyncio.gather(
            *(_payment(context, record, stored.get(record["_id"], {}), intents) for record in records)
        )
        return [payment for payment in made if payment is not None]

    async with marked(database):
        since = await notes.since(await _latest_start(database))
        replicas = await rebuild(stream, database)
        count, unknown = await _each(gateway.since(since), lambda intent: _note(context, notes, intent))
        own = await RollForward(stream, payments, PAYMENTS, restore).run()
        try:
            _, later = await _each(gateway.since(since), lambda intent: _apply(context, intent))
            await _look_at_all(context)
            await follow_all(database)
        finally:
            await payments.relay.drained()
        return summary(
            own,
            replicas,
            f"provider   {count} intents since {times.iso(since)}, {unknown} of no order of ours",
            f"           {later} left to the sweep of the service",
        )


async def _latest_start(database: Database) -> datetime | None:
    """When the latest charge of the backup began. Reads all of them: no request has this query."""
    order = [("started_at", DESCENDING)]
    latest = await database["attempts"].find_one({}, {"started_at": 1}, sort=order)
    started_at: datetime | None = None if latest is None else latest["started_at"]
    return started_at


async def _each(intents: AsyncIterator[Intent], act: Callable[[Intent], Awaitable[bool]]) -> tuple[int, int]:
    """Acts on CONCURRENCY intents at a time; returns the number of all, and of those that gave False."""
    count = failed = 0
    batch: list[Intent] = []

    async def flush() -> int:
        done = await asyncio.gather(*(act(intent) for intent in batch))
        batch.clear()
        return done.count(False)

    async for intent in intents:
        count += 1
        batch.append(intent)
        if len(batch) == CONCURRENCY:
            failed += await flush()
    return count, failed + await flush()


async def _note(context: PaymentContext, notes: Notes, intent: Intent) -> bool:
    """Stores the charge of the intent, if the backup lacks it; False for an unknown order."""
    order = await context.repositories.orders.lookup(intent.order_id)
    if order is None:
        return False
    await notes.add(intent)
    number = intent.number
    charge = Charge.of(order, times.now())
    made = replace(charge, number=number, intent_number=number, intent_id=intent.id)
    # Its outcome is unknown until the intent is applied.
    await context.repositories.charges.restore(replace(made, status=ChargeStatus.CONFIRMING))
    return True


async def _payment(
    context: PaymentContext, record: Document, backup: Document, intents: Mapping[str, Document]
) -> Payment | None:
    """None for a payment whose order, or whose intent while it awaits its owner, is not known."""
    order = await context.repositories.orders.lookup(record["order_id"])
    status, latest = Status(record["status"]), intents.get(record["order_id"], backup)
    if status is Status.AWAITING and not latest:
        latest = await _of_charge(context, record["order_id"])
    intent_id = record.get("intent_id") or latest.get("intent_id", "")
    if order is None or (status is Status.AWAITING and not intent_id):
        return None
    payment = Payment(
        id=record["_id"],
        version=record["version"],
        order_id=order.id,
        user_id=order.user_id,
        amount=order.price,
        status=status,
        intent_id=intent_id,
        attempt=latest.get("attempt", 1),
        client_secret=latest.get("client_secret") if status is Status.AWAITING else None,
        outcome=Outcome(record.get("outcome", "")),
        dispute=DisputeState(record["dispute"]) if "dispute" in record else None,
        seller_id=order.seller_id,
    )
    payment.entries = _entries(payment, record, backup)
    return payment


def _entries(payment: Payment, record: Document, backup: Document) -> ledger.Entries:
    """Entries of the movements that the events have: those of the backup, and later ones at this time."""
    if payment.status is not Status.CAPTURED:
        return ()
    now, price = times.now(), payment.amount
    entries = ledger.captured(price, now)
    if payment.outcome is Outcome.REFUNDED:
        entries += ledger.refunded(price, now)
    elif payment.outcome is Outcome.PAID_OUT:
        entries += ledger.paid_out(price, Money(record["paid_cents"]), payment.seller_id, now)
    stored = ledger.from_documents(backup.get("entries", ()))
    return stored + entries[len(stored) :]


async def _of_charge(context: PaymentContext, order_id: str) -> Document:
    """Fields of the intent that the backup's charge names; its card came since."""
    charge = await context.repositories.charges.find(order_id)
    intent = None if charge is None else await context.gateway.retrieve(charge.intent_id)
    if intent is None:
        return {}
    return {"attempt": intent.number, "intent_id": intent.id, "client_secret": intent.client_secret}


async def _look_at_all(context: PaymentContext) -> None:
    """Looks up the intents that the backup has without a payment: their cards may have come since."""
    await context.repositories.charges.hurry_all(times.now())
    while await sweep_charges(context):
        pass


async def _apply(context: PaymentContext, intent: Intent) -> bool:
    """Applies the state of an intent, as a webhook would; False where the service's sweep has to."""
    try:
        await apply_intent(context, intent)
    except (Conflict, OutcomeUnknown, SettlementRefused) as error:
        log.warning("not settled yet", extra={"intent": intent.id, "error": repr(error)})
        return False
    return True
