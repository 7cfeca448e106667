"""Mails about sales: bought, sold, a hold that ends soon, and how a sale or its payment goes on."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auth.mail.kinds import (
    Bought,
    Content,
    Delivered,
    Disputed,
    HoldEnding,
    PaidOut,
    PaymentVoided,
    Refunded,
    SaleRefunded,
    Sold,
)
from auth.mail.mails import Mails
from auth.repository import UserRepository
from auth.sales import FulfilmentEvent, Sale, Sales
from common.base import jobs, times
from common.base.errors import DuplicateKey, Unavailable
from common.base.ids import made_at
from common.contract.events import OrderAccepted, OrderDelivered, OrderDisputed, PayoutMade
from common.messaging.listener import NotYet
from common.persistence.mongo import Database

MAILED_WITHIN = timedelta(days=7)
"""An older event is not mailed. Shorter than `mails.KEPT`: the mail of a redelivered event is still known."""
BEFORE_THE_END = timedelta(minutes=5)
"""From then on, a buyer is reminded of an unpaid order. A hold of less than twice that has no reminder."""
TOO_LATE = timedelta(minutes=1)
"""A reminder that close to the end of the hold is of no use."""
SWEEP_SECONDS = 10.0


class NoticeStart:
    """When this database first took part: a document `{_id: "start", at}`.

    A new consumer reads all events from the first one. Those from before its start are not mailed.
    """

    def __init__(self, database: Database) -> None:
        self.documents = database["notices"]
        self._at: datetime | None = None

    async def prepare(self) -> None:
        # A duplicate: it was started before, or by another process.
        with suppress(DuplicateKey):
            await self.documents.insert_one({"_id": "start", "at": times.now()})
        document = await self.documents.find_one({"_id": "start"})
        self._at = None if document is None else document["at"]

    def is_mailed(self, at: datetime | None) -> bool:
        """at: When the event happened; None for one from a release that did not say."""
        if at is None or self._at is None:
            return False
        return at >= self._at and times.now() - at < MAILED_WITHIN


@dataclass(frozen=True, slots=True)
class NoticeContext:
    users: UserRepository
    mails: Mails
    sales: Sales
    start: NoticeStart


async def mail_sale(context: NoticeContext, order_id: str, completed_at: datetime | None) -> None:
    """Mails the buyer and the seller. Idempotent. Raises NotYet."""
    if not context.start.is_mailed(completed_at):
        return
    sale = await context.sales.of_order(order_id)
    bought = Bought(path=f"/orders/{order_id}", **_about(sale))
    sold = Sold(path=f"/sales/{order_id}", **_about(sale))
    await _put(context, bought, order_id, sale.buyer_id)
    await _put(context, sold, order_id, sale.seller_id)


async def mail_voided(context: NoticeContext, payment_id: str, order_id: str) -> None:
    """Mails the buyer. Idempotent. Raises NotYet."""
    if not context.start.is_mailed(made_at(payment_id)):
        return
    sale = await context.sales.of_order(order_id)
    await _put(context, PaymentVoided(path=f"/orders/{order_id}", **_about(sale)), payment_id, sale.buyer_id)


async def mail_fulfilment(context: NoticeContext, event: FulfilmentEvent) -> None:
    """Mails whom it concerns; an acceptance concerns neither before the payout. Idempotent. Raises NotYet."""
    if isinstance(event, OrderAccepted) or not context.start.is_mailed(event.at):
        return
    sale = await context.sales.of_order(event.id)
    about, order, of_seller = _about(sale), f"/orders/{event.id}", f"/sales/{event.id}"
    match event:
        case OrderDelivered():
            content = Delivered(path=order, until=event.accept_by, **about)
            await _put(context, content, event.id, sale.buyer_id)
        case OrderDisputed():
            await _put(context, Disputed(path=of_seller, **about), event.id, sale.seller_id)
        case _:
            await _put(context, Refunded(path=order, **about), event.id, sale.buyer_id)
            await _put(context, SaleRefunded(path=of_seller, **about), event.id, sale.seller_id)


async def mail_payout(context: NoticeContext, event: PayoutMade) -> None:
    """Mails the seller. Idempotent. Raises NotYet."""
    if not context.start.is_mailed(event.at):
        return
    sale = await context.sales.of_order(event.order_id)
    content = PaidOut(path=f"/sales/{event.order_id}", paid_cents=event.amount.cents, **_about(sale))
    await _put(context, content, event.id, sale.seller_id)


async def mail_hold_ending(context: NoticeContext, order_id: str) -> None:
    """Mails the buyer, unless the mail would arrive after the hold's end. Idempotent. Raises NotYet."""
    sale = await context.sales.of_order(order_id)
    if sale.held_until - made_at(order_id) < 2 * BEFORE_THE_END:
        return
    content = HoldEnding(path=f"/orders/{order_id}", until=sale.held_until, **_about(sale))
    await _put(context, content, order_id, sale.buyer_id, sale.held_until)


def _about(sale: Sale) -> Mapping[str, Any]:
    return {"title": sale.title, "day": sale.day, "cents": sale.cents}


async def _put(
    context: NoticeContext,
    content: Content,
    record_id: str,
    user_id: str,
    useful_until: datetime | None = None,
) -> None:
    """record_id: With the kind, the event that the mail reports."""
    user = await context.users.of_id(user_id)
    if user is None or (content.optional and not user.notices):
        return
    await context.mails.put(
        f"{content.kind.value}:{record_id}:{user_id}",
        content,
        user_id=user_id,
        to=user.email.address,
        language=user.language,
        useful_until=useful_until,
    )


class Reminders:
    """Looks, for ever, for unpaid orders whose hold ends soon. Every process does: a mail is put once."""

    def __init__(self, context: NoticeContext) -> None:
        self._context = context
        self._seen: frozenset[str] = frozenset()

    async def run(self) -> None:
        while True:
            await self.round()
            jobs.succeeded("reminders")
            await asyncio.sleep(SWEEP_SECONDS)

    async def round(self) -> None:
        now = times.now()
        due = await self._context.sales.orders.unpaid(now + TOO_LATE, now + BEFORE_THE_END)
        early = {
            order_id for order_id in due if order_id not in self._seen and not await self._remind(order_id)
        }
        self._seen = frozenset(due) - early

    async def _remind(self, order_id: str) -> bool:
        """False where the ticket can't be read now: the next round looks again."""
        try:
            await mail_hold_ending(self._context, order_id)
        except (NotYet, Unavailable):
            return False
        return True
