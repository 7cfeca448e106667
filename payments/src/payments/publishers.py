"""Publishers of the events that this service emits; `domain.py` defines when."""

from common.contract.events import PaymentAwaiting, PaymentCaptured, PaymentCreated, PaymentVoided
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "payments"


class PaymentAwaitingPublisher(Publisher[PaymentAwaiting], source=SOURCE): ...


class PaymentCreatedPublisher(Publisher[PaymentCreated], source=SOURCE): ...


class PaymentCapturedPublisher(Publisher[PaymentCaptured], source=SOURCE): ...


class PaymentVoidedPublisher(Publisher[PaymentVoided], source=SOURCE): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(
        stream,
        [PaymentAwaitingPublisher, PaymentCreatedPublisher, PaymentCapturedPublisher, PaymentVoidedPublisher],
    )
