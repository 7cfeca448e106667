"""Listeners: a new order gets its timer."""

from common.contract.events import OrderCreated
from common.messaging.listener import Listener
from expiration.timers import Timers

QUEUE_GROUP = "expiration"


class OrderCreatedListener(Listener[OrderCreated]):
    """Sets the order's timer. Idempotent; a timer that is past due fires at once."""

    queue_group = QUEUE_GROUP

    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    async def on_message(self, event: OrderCreated) -> None:
        await self._timers.set(event.id, event.expires_at)
