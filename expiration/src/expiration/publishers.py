"""What this service emits; `worker.py` says when."""

from common.events import ExpirationComplete
from common.publisher import Publisher


class ExpirationCompletePublisher(Publisher[ExpirationComplete]):
    event = ExpirationComplete
    source = "expiration"
