"""Keyed hash of an e-mail address, for the security log: it shows equal ones as equal, and no more."""

import hashlib
import hmac
from dataclasses import dataclass

from auth.domain import Email

_PURPOSE = b"gittix security log, e-mail, 1"
"""Derives a key of its own: neither key nor hash says anything about the secret, or of what else it signs."""
_BYTES = 16


@dataclass(frozen=True, slots=True)
class EmailHashes:
    """key: 32 bytes."""

    key: bytes

    @classmethod
    def derived_from(cls, secret: str) -> "EmailHashes":
        return cls(hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256))

    def of(self, email: Email) -> str:
        """32 hex digits, the same for every way to write the address."""
        return hmac.digest(self.key, email.key.encode(), hashlib.sha256)[:_BYTES].hex()
