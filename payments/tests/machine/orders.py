"""The orders service, reduced to its rules: what ends an order, and which events say so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from common.base.identity import CurrentUser
from common.base.money import Money
from common.messaging.events import VersionedEvent
from common.messaging.stream import Stored
from tests.orders import AnOrder

HOLD = timedelta(minutes=15)
SELLER = "5" * 24
DECIDED = ("accepted", "refunded")
SHOWN = ("payment.captured", "payment.voided", "payment.refunded")


@dataclass
class ModelOrder(AnOrder):
    """Order with its status.

    payment: "captured", "voided" or "refunded" once the payments service said so.
    fulfilment: Of a complete order; "accepted" and "refunded" stay.
    """

    status: str = "created"
    payment: str = ""
    fulfilment: str = ""

    @property
    def is_over(self) -> bool:
        return self.status in ("complete", "cancelled")


@dataclass
class Orders:
    """All orders, and every event that they published, oldest first."""

    all: list[ModelOrder] = field(default_factory=list)
    events: list[VersionedEvent] = field(default_factory=list)
    _handled: int = 0

    def place(self, now: datetime) -> None:
        number = len(self.all) + 1
        user = CurrentUser(f"{number:024x}")
        order = ModelOrder(user, Money(1000 + number), now + HOLD, id=f"{number:024x}", seller_id=SELLER)
        self.all.append(order)
        self.events.append(order.created())

    def cancel(self, order: ModelOrder) -> None:
        if not order.is_over:
            order.status = "cancelled"
            self.events.append(order.cancelled())

    def fulfil(self, order: ModelOrder, fulfilment: str) -> None:
        """A change of the fulfilment, unless orders would refuse it."""
        if order.status != "complete" or order.fulfilment in (fulfilment, *DECIDED):
            return
        order.fulfilment = fulfilment
        made: dict[str, Callable[[], VersionedEvent]] = {
            "delivered": order.delivered,
            "disputed": order.disputed,
            "accepted": order.accepted,
            "refunded": order.refunded,
        }
        self.events.append(made[fulfilment]())

    def expire(self, now: datetime) -> None:
        for order in self.all:
            waits = order.status == "awaiting:payment" and now < order.expires_at + HOLD
            if now >= order.expires_at and not waits:
                self.cancel(order)

    def handle(self, messages: Sequence[Stored], count: int) -> None:
        """Handles the next `count` messages of the stream."""
        for message in messages[self._handled : self._handled + count]:
            self._handled += 1
            order_id = orjson.loads(message.data)["orderId"]
            [order] = [order for order in self.all if order.id == order_id]
            self._handle(order, message.subject.rpartition(".")[0])

    def _handle(self, order: ModelOrder, subject: str) -> None:
        if subject == "payment.created" and not order.is_over:
            order.status = "complete"
            self.events.append(order.completed())
        elif subject == "payment.awaiting" and order.status == "created":
            order.status = "awaiting:payment"
            self.events.append(order.updated(order.status))
        elif subject in SHOWN and subject.removeprefix("payment.") != order.payment:
            order.payment = subject.removeprefix("payment.")
            self.events.append(order.updated(order.status))
