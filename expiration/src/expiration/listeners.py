"""Listeners: a new order gets its timer, a complete one those of its deadlines."""

from common.contract.events import DeadlineKind, OrderCompleted, OrderCreated, OrderDelivered
from common.messaging.listener import Listener
from expiration.timers import Deadline, Timers

QUEUE_GROUP = "expiration"


class OrderCreatedListener(Listener[OrderCreated]):
    """Sets the order's timer. Idempotent; a timer that is past due fires at once."""

    queue_group = QUEUE_GROUP

    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    async def on_message(self, event: OrderCreated) -> None:
        await self._timers.set(event.id, event.expires_at)


Fulfilled = OrderCompleted | OrderDelivered


def deadline_of(event: Fulfilled) -> Deadline | None:
    """The deadline that the event sets; None for the completion by a release without deadlines."""
    if isinstance(event, OrderCompleted) and event.deliver_by is not None:
        return Deadline(event.id, DeadlineKind.DELIVERY, event.version, event.deliver_by)
    if event.accept_by is not None:
        return Deadline(event.id, DeadlineKind.ACCEPTANCE, event.version, event.accept_by)
    return None


class FulfilledListener(Listener[Fulfilled]):
    """Sets the deadline's timer. Idempotent, as that of a hold."""

    queue_group = QUEUE_GROUP

    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    async def on_message(self, event: Fulfilled) -> None:
        deadline = deadline_of(event)
        if deadline is not None:
            await self._timers.set_deadline(deadline)
