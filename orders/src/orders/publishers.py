"""Publishers: the events that this service emits; `domain.py` says when."""

from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "orders"


class OrderCreatedPublisher(Publisher[OrderCreated], source=SOURCE): ...


class OrderUpdatedPublisher(Publisher[OrderUpdated], source=SOURCE): ...


class OrderCancelledPublisher(Publisher[OrderCancelled], source=SOURCE): ...


class OrderCompletedPublisher(Publisher[OrderCompleted], source=SOURCE): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(
        stream,
        [OrderCreatedPublisher, OrderUpdatedPublisher, OrderCancelledPublisher, OrderCompletedPublisher],
    )
