from typing import Annotated

from pydantic import Field

from auth.domain import Limits
from common.runtime.settings import MongoUri, ServiceSettings, SessionSettings

Count = Annotated[int, Field(ge=0, le=1_000)]
"""Limit of a moving window; 0 for none. Each event that counts is stored until it leaves the window."""


class Settings(ServiceSettings, SessionSettings):
    mongo_uri: MongoUri
    device_key: Annotated[str, Field(min_length=32)]
    """Proves device cookies. A new key makes every device one that its account does not know."""
    max_failed_sign_ins: Count = 10
    max_failed_sign_ins_per_address: Count = 30
    max_failed_sign_ins_per_account: Count = 100
    sign_ups_per_hour: Count = 20

    @property
    def limits(self) -> Limits:
        return Limits(
            self.max_failed_sign_ins,
            self.max_failed_sign_ins_per_address,
            self.max_failed_sign_ins_per_account,
            self.sign_ups_per_hour,
        )
