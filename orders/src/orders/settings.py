from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from common.http.session_keys import checked_secret
from common.runtime.settings import BrokerSettings, MongoUri, ServiceSettings, SessionSettings
from orders.fulfilment.terms import Terms


def _keys(given: object) -> object:
    return tuple(checked_secret(key.strip()) for key in given.split(",")) if isinstance(given, str) else given


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    mongo_uri: MongoUri
    receipt_keys: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_keys), Field(repr=False)]
    """With commas between: the first signs receipts, all verify them, so that printed ones stay genuine."""
    order_hold_seconds: Annotated[int, Field(gt=0, le=86_400)] = 900
    """Seconds that an order holds its ticket. A further step of the card (3-D Secure) doubles them."""
    max_open_orders: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    """Orders that one buyer holds unpaid at once."""
    reorder_pause_seconds: Annotated[int, Field(ge=0, le=86_400)] = 900
    """The first pause before a buyer orders a ticket for the third time; 0 for none. See `limits.py`."""
    delivery_seconds: Annotated[int, Field(gt=0, le=2_592_000)] = 172_800
    """Until when a seller without a file hands over; less where the event's day is sooner."""
    acceptance_seconds: Annotated[int, Field(gt=0, le=2_592_000)] = 604_800
    """Until when a buyer may claim, from the delivery on, where the event's day is not known."""

    def terms(self) -> Terms:
        return Terms(timedelta(seconds=self.delivery_seconds), timedelta(seconds=self.acceptance_seconds))
