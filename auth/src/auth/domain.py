"""Users, their e-mail addresses, and the limits on failed sign-ins."""

import math
import secrets
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
"""Maximum length in characters, from the maximum length of a path in RFC 5321."""
MIN_PASSWORD = 8
MAX_PASSWORD = 128

WINDOW = timedelta(minutes=15)
MAX_FAILURES_FROM_ADDRESS = 10
"""Failures for one e-mail from one network address: the limit against a single guesser."""
MAX_FAILURES = 100
"""Failures for one e-mail from all addresses: the limit against guessers who work together.

Higher than the other limit, because it locks out the owner of the e-mail, too.
"""


@dataclass(frozen=True, slots=True)
class Email:
    """E-mail `address` as the user typed it. Addresses that differ in case or Unicode form share a `key`."""

    address: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses an e-mail address, without a DNS lookup. Raises InvalidValue for a malformed address."""
        address = text.strip()
        # Checked before the library runs, because the library's time grows with the length.
        if len(address) > MAX_EMAIL:
            raise InvalidValue("Email must be valid", ErrorCode.EMAIL_INVALID)
        try:
            # `test_environment` allows the names under .test, which mail can't reach (RFC 6761).
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

    def new_session(self) -> CurrentUser:
        """The user in a new session, whose id is 16 random bytes."""
        return CurrentUser(self.id, secrets.token_urlsafe(16))


@dataclass(frozen=True, slots=True)
class Limit:
    """Limit of `failures` failed sign-ins under one key in any 15 minutes."""

    failures: int

    def wait(self, failed_at: Sequence[datetime], now: datetime) -> timedelta:
        """Time until the next try is allowed; zero if it is allowed now. `failed_at`: oldest first."""
        if len(failed_at) < self.failures:
            return timedelta(0)
        return max(timedelta(0), failed_at[-self.failures] + WINDOW - now)


PER_ADDRESS = Limit(MAX_FAILURES_FROM_ADDRESS)
PER_EMAIL = Limit(MAX_FAILURES)


def whole_seconds(wait: timedelta) -> int:
    """Number of seconds, rounded up, so that the wait is over after that time."""
    return math.ceil(wait.total_seconds())
