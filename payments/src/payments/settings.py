from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from common.runtime.settings import BrokerSettings, MongoUri, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    mongo_uri: MongoUri
    payment_gateway: Literal["stripe", "fake"] = "stripe"
    """Payment provider. `fake` moves no money: for laptops and tests only, never for real buyers."""
    max_declines: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Declined cards of an order, before no further one reaches the provider."""
    max_declines_per_day: Annotated[int, Field(ge=0, le=1_000)] = 20
    """Declined cards of an account in any 24 hours; 0 for any number."""
    stripe_key: str = Field(default="", validate_default=True)
    stripe_webhook_secret: str = Field(default="", validate_default=True)
    """Key of webhook signatures. Optional with the fake gateway only; if empty, every webhook is refused."""

    @field_validator("stripe_key", "stripe_webhook_secret")
    @classmethod
    def _needed_by_stripe(cls, value: str, info: ValidationInfo) -> str:
        if not value.strip() and info.data.get("payment_gateway") == "stripe":
            raise PydanticCustomError("missing", "needed by the Stripe gateway")
        return value.strip()
