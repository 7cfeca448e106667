"""Publishers of the events that this service emits; `domain.py` defines when."""

from common.contract.events import (
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentDisputed,
    PaymentRefunded,
    PaymentVoided,
    PayoutMade,
)
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "payments"


class PaymentAwaitingPublisher(Publisher[PaymentAwaiting], source=SOURCE): ...


class PaymentCreatedPublisher(Publisher[PaymentCreated], source=SOURCE): ...


class PaymentCapturedPublisher(Publisher[PaymentCaptured], source=SOURCE): ...


class PaymentVoidedPublisher(Publisher[PaymentVoided], source=SOURCE): ...


class PaymentRefundedPublisher(Publisher[PaymentRefunded], source=SOURCE): ...


class PaymentDisputedPublisher(Publisher[PaymentDisputed], source=SOURCE): ...


class PayoutMadePublisher(Publisher[PayoutMade], source=SOURCE): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(
        stream,
        [
            *(PaymentAwaitingPublisher, PaymentCreatedPublisher, PaymentCapturedPublisher),
            *(PaymentVoidedPublisher, PaymentRefundedPublisher, PaymentDisputedPublisher),
            PayoutMadePublisher,
        ],
    )
