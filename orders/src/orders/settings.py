from typing import Annotated

from pydantic import Field

from common.runtime.settings import MongoUri, ServiceSettings, SessionSettings, StreamSettings


class Settings(ServiceSettings, SessionSettings, StreamSettings):
    mongo_uri: MongoUri
    order_hold_seconds: Annotated[int, Field(gt=0, le=86_400)] = 900
    """Seconds that an order holds its ticket. A further step of the card (3-D Secure) doubles them."""
    max_open_orders: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    """Orders that one buyer holds unpaid at once."""
    reorder_pause_seconds: Annotated[int, Field(ge=0, le=86_400)] = 900
    """The first pause before a buyer orders a ticket for the third time; 0 for none. See `limits.py`."""
