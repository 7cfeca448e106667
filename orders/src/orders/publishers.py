"""What this service emits; `domain.py` says when."""

from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "orders"


class OrderCreatedPublisher(Publisher[OrderCreated]):
    event = OrderCreated
    source = SOURCE


class OrderUpdatedPublisher(Publisher[OrderUpdated]):
    event = OrderUpdated
    source = SOURCE


class OrderCancelledPublisher(Publisher[OrderCancelled]):
    event = OrderCancelled
    source = SOURCE


class OrderCompletedPublisher(Publisher[OrderCompleted]):
    event = OrderCompleted
    source = SOURCE


def publishers(stream: Stream) -> Publishers:
    return Publishers(
        [
            OrderCreatedPublisher(stream),
            OrderUpdatedPublisher(stream),
            OrderCancelledPublisher(stream),
            OrderCompletedPublisher(stream),
        ]
    )
