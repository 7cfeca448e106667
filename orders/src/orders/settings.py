from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from common.http.session_keys import checked_secret
from common.runtime.settings import BrokerSettings, MongoUri, ServiceSettings, SessionSettings


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
