"""What this service emits; `domain.py` says when."""

from common.contract.events import PaymentAwaiting, PaymentCaptured, PaymentCreated, PaymentVoided
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "payments"


class PaymentAwaitingPublisher(Publisher[PaymentAwaiting]):
    event = PaymentAwaiting
    source = SOURCE


class PaymentCreatedPublisher(Publisher[PaymentCreated]):
    event = PaymentCreated
    source = SOURCE


class PaymentCapturedPublisher(Publisher[PaymentCaptured]):
    event = PaymentCaptured
    source = SOURCE


class PaymentVoidedPublisher(Publisher[PaymentVoided]):
    event = PaymentVoided
    source = SOURCE


def publishers(stream: Stream) -> Publishers:
    return Publishers(
        [
            PaymentAwaitingPublisher(stream),
            PaymentCreatedPublisher(stream),
            PaymentCapturedPublisher(stream),
            PaymentVoidedPublisher(stream),
        ]
    )
