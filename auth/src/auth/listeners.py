"""Listeners: orders (kept as a replica), and the mails about sales."""

from collections.abc import Sequence
from typing import Any

from auth import notices
from auth.notices import NoticeContext
from auth.sales import FulfilmentEvent, OrderEvent, order_fields
from common.contract.events import OrderCompleted, PaymentVoided, PayoutMade
from common.messaging.listener import Listener

QUEUE_GROUP = "auth"


class OrderListener(Listener[OrderEvent]):
    """Applies each event to the replica, and mails a sale, and how it goes on.

    The mails are put also if the event was applied before: a crash may have come between the two.
    """

    queue_group = QUEUE_GROUP

    def __init__(self, context: NoticeContext) -> None:
        self._context = context

    async def on_message(self, event: OrderEvent) -> None:
        await self._context.sales.orders.apply(event.id, event.version, order_fields(event))
        if isinstance(event, OrderCompleted):
            await notices.mail_sale(self._context, event.id, event.completed_at)
        if isinstance(event, FulfilmentEvent):
            await notices.mail_fulfilment(self._context, event)


class PaymentVoidedListener(Listener[PaymentVoided]):
    queue_group = QUEUE_GROUP

    def __init__(self, context: NoticeContext) -> None:
        self._context = context

    async def on_message(self, event: PaymentVoided) -> None:
        await notices.mail_voided(self._context, event.id, event.order_id)


class PayoutMadeListener(Listener[PayoutMade]):
    queue_group = QUEUE_GROUP

    def __init__(self, context: NoticeContext) -> None:
        self._context = context

    async def on_message(self, event: PayoutMade) -> None:
        await notices.mail_payout(self._context, event)


def listeners(context: NoticeContext) -> Sequence[Listener[Any]]:
    return [OrderListener(context), PaymentVoidedListener(context), PayoutMadeListener(context)]
