"""Links that turn notices off without signing in (RFC 8058)."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlencode

PAGE = "/unsubscribe"
_PURPOSE = b"gittix unsubscribe, 1"
"""Derives a key of its own from a secret that proves other things, too."""
_PROOF_BYTES = 18


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """Signs and reads tokens `<user id>.<proof>`. They do not expire: a mail may be read years later.

    key: 32 bytes, the same for all replicas.
    """

    key: bytes = field(repr=False)

    @classmethod
    def derived_from(cls, secret: str) -> "Unsubscribing":
        return cls(hmac.digest(secret.encode(), _PURPOSE, sha256))

    def path(self, user_id: str) -> str:
        return f"{PAGE}?{urlencode({'token': self.token(user_id)})}"

    def token(self, user_id: str) -> str:
        proof = hmac.digest(self.key, user_id.encode(), sha256)[:_PROOF_BYTES]
        return f"{user_id}.{urlsafe_b64encode(proof).decode()}"

    def user_of(self, token: str) -> str | None:
        """Id of the user; None for a token that is not ours."""
        user_id = token.partition(".")[0]
        is_ours = hmac.compare_digest(token.encode(), self.token(user_id).encode())
        return user_id if is_ours else None
