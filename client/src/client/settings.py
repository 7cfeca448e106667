from typing import Annotated

from pydantic import Field

from common.runtime.settings import (
    BrokerSettings,
    HttpUrl,
    PublicUrl,
    SecretKey,
    ServiceSettings,
    SessionSettings,
)

HostName = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?)?$")]
SecurityContact = Annotated[str, Field(pattern=r"^((mailto:|https://)[!-~]+)?$")]
"""An address as RFC 9116, section 2.5.3, has it. It becomes a line of a file: no space, no line end."""


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    api_base_url: HttpUrl
    """The edge, which serves the APIs and these pages under one origin."""
    api_host: HostName = ""
    """`Host` of the calls to the APIs, which the edge does not redirect to https; "": the browser's."""
    public_url: PublicUrl
    """The edge, as browsers reach it, such as `https://gittix.example`: the start of absolute links."""
    client_address_key: SecretKey
    """Signs browsers' addresses for auth: `common.http.client_address`."""
    stripe_publishable_key: str = ""
    """With it, cards are paid by Stripe's Payment Element; without it, by the fake gateway's test cards."""
    security_contact: SecurityContact = ""
    """Where to report a weakness, such as `mailto:security@gittix.example`; without it, no `security.txt`."""
    order_hold_seconds: Annotated[int, Field(gt=0, le=86_400)] = 900
    """As of orders, for the words beside Purchase. The time of an order itself comes from the API."""
    live_pages: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Open pages with live updates, of this process."""
    live_pages_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """Those of one address: an IPv4 address, or an IPv6 /64."""
