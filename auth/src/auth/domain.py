"""The user, the e-mail address that names one, and how many wrong passwords are too many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from unicodedata import normalize

from email_validator import EmailNotValidError, validate_email

from common.base.errors import InvalidValue
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.error_codes import ErrorCode

MAX_EMAIL = 254
"""RFC 5321 leaves no room for more in a path."""
MIN_PASSWORD = 8
MAX_PASSWORD = 128

WINDOW = timedelta(minutes=15)
MAX_FAILURES_FROM_ADDRESS = 10
"""Of one e-mail from one address: someone who guesses."""
MAX_FAILURES = 100
"""Of one e-mail from anywhere: many who guess together. Higher, as it locks the owner out, too."""


@dataclass(frozen=True, slots=True)
class Email:
    """`address` is as it was typed; addresses that differ in case or in Unicode form share their `key`."""

    address: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InvalidValue unless it is well formed. No name server is asked."""
        address = text.strip()
        # Before the library looks, whose time grows with the length.
        if len(address) > MAX_EMAIL:
            raise InvalidValue("Email must be valid", ErrorCode.EMAIL_INVALID)
        try:
            # `test_environment` allows the names under .test, which no mail can reach (RFC 6761).
            known = validate_email(address, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            raise InvalidValue("Email must be valid", ErrorCode.EMAIL_INVALID) from None
        return cls(address, normalize("NFC", known.normalized.casefold()))


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    id: str
    email: Email
    password_hash: str = field(repr=False)

    @classmethod
    def register(cls, email: Email, password_hash: str) -> Self:
        return cls(id=new_id(), email=email, password_hash=password_hash)

    @property
    def identity(self) -> CurrentUser:
        return CurrentUser(self.id, self.email.address)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `failures` under one key in any 15 minutes."""

    failures: int

    def wait(self, failed_at: Sequence[datetime], now: datetime) -> timedelta:
        """How long the next try must wait after these failures, oldest first; zero when it may go on."""
        if len(failed_at) < self.failures:
            return timedelta(0)
        return max(timedelta(0), failed_at[-self.failures] + WINDOW - now)


PER_ADDRESS = Limit(MAX_FAILURES_FROM_ADDRESS)
PER_EMAIL = Limit(MAX_FAILURES)


def whole_seconds(wait: timedelta) -> int:
    """Rounded up: after that many, the wait is over."""
    return math.ceil(wait.total_seconds())
