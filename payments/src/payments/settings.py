from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from common.runtime.settings import BrokerSettings, MongoUri, PublicUrl, ServiceSettings, SessionSettings

_ORIGIN = TypeAdapter(PublicUrl)


def _origin_or_none(text: str) -> str:
    return _ORIGIN.validate_python(text) if text.strip() else ""


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    mongo_uri: MongoUri
    payment_gateway: Literal["stripe", "fake"] = "stripe"
    """Payment provider. `fake` moves no money: for laptops and tests only, never for real buyers."""
    max_declines: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Declined cards of an order, before no further one reaches the provider."""
    max_declines_per_day: Annotated[int, Field(ge=0, le=1_000)] = 20
    """Declined cards of an account in any 24 hours; 0 for any number."""
    fee_percent: Annotated[Decimal, Field(ge=0, le=50, decimal_places=2)] = Decimal(0)
    """Of the price, which the marketplace keeps of a payout; rounded down to a whole cent."""
    public_url: Annotated[str, AfterValidator(_origin_or_none)] = Field(default="", validate_default=True)
    """The edge, as browsers reach it: the provider's form for sellers leads back to it."""
    stripe_key: str = Field(default="", validate_default=True)
    stripe_webhook_secret: str = Field(default="", validate_default=True)
    """Key of webhook signatures, or several with commas between: Stripe has another for sellers' accounts.

    Optional with the fake gateway only; if empty, every webhook is refused.
    """

    @field_validator("stripe_key", "stripe_webhook_secret", "public_url")
    @classmethod
    def _needed_by_stripe(cls, value: str, info: ValidationInfo) -> str:
        if not value.strip() and info.data.get("payment_gateway") == "stripe":
            raise PydanticCustomError("missing", "needed by the Stripe gateway")
        return value.strip()
