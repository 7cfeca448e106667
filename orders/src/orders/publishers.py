"""Publishers: the events that this service emits; `domain.py` says when."""

from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
    OrderUpdated,
)
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "orders"


class OrderCreatedPublisher(Publisher[OrderCreated], source=SOURCE): ...


class OrderUpdatedPublisher(Publisher[OrderUpdated], source=SOURCE): ...


class OrderCancelledPublisher(Publisher[OrderCancelled], source=SOURCE): ...


class OrderCompletedPublisher(Publisher[OrderCompleted], source=SOURCE): ...


class OrderDeliveredPublisher(Publisher[OrderDelivered], source=SOURCE): ...


class OrderAcceptedPublisher(Publisher[OrderAccepted], source=SOURCE): ...


class OrderDisputedPublisher(Publisher[OrderDisputed], source=SOURCE): ...


class OrderRefundedPublisher(Publisher[OrderRefunded], source=SOURCE): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(
        stream,
        [
            OrderCreatedPublisher,
            OrderUpdatedPublisher,
            OrderCancelledPublisher,
            OrderCompletedPublisher,
            OrderDeliveredPublisher,
            OrderAcceptedPublisher,
            OrderDisputedPublisher,
            OrderRefundedPublisher,
        ],
    )
