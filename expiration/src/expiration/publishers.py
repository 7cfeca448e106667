"""Publishers: the events that this service emits; `worker.py` says when."""

from common.contract.events import DeadlinePassed, ExpirationComplete
from common.messaging.publisher import Publisher, send


class ExpirationCompletePublisher(Publisher[ExpirationComplete], source="expiration"): ...


class DeadlinePassedPublisher(Publisher[DeadlinePassed], source="expiration"):
    async def publish(self, event: DeadlinePassed) -> int:
        """With the order's version in the event's id: an order has one event for each of its deadlines."""
        return await send(self._stream, self.envelope(event, event.version))
