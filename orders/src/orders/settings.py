from typing import Annotated

from pydantic import Field

from common.runtime.settings import BrokerSettings, MongoUri, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    mongo_uri: MongoUri
    order_hold_seconds: Annotated[int, Field(gt=0, le=86_400)] = 900
    """Seconds that an order holds its ticket. A further step of the card (3-D Secure) doubles them."""
