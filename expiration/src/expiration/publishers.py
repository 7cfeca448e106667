"""Publishers: the events that this service emits; `worker.py` says when."""

from common.contract.events import ExpirationComplete
from common.messaging.publisher import Publisher


class ExpirationCompletePublisher(Publisher[ExpirationComplete], source="expiration"): ...
