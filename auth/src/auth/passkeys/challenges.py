"""Challenges: what a device signs, so that its answer is good once, soon, and for one purpose.

A challenge carries its own proof and is not stored: a stranger who asks for a million of them costs no write.
It is stored when it is spent, which only a device with the right key can do.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from auth.passkeys.errors import PasskeyLate
from common.base import times
from common.base.errors import DuplicateKey
from common.persistence.mongo import ASCENDING, Database, Index

LIFETIME = timedelta(minutes=5)
KEPT = 2 * LIFETIME
"""After the end of a spent challenge: longer than processes' and the database's clocks disagree."""
NONCE_BYTES, TIME_BYTES = 16, 6
_SEALED = NONCE_BYTES + TIME_BYTES
_PURPOSE = b"gittix passkey challenge, 1"
"""Derives a key of its own from a secret that proves other things, too."""


@dataclass(frozen=True, slots=True)
class Challenges:
    """Issues and checks challenges. key: 32 bytes, the same for all replicas."""

    key: bytes

    @classmethod
    def derived_from(cls, secret: str) -> "Challenges":
        return cls(hmac.digest(secret.encode(), _PURPOSE, sha256))

    def issue(self, *purpose: str) -> bytes:
        """A challenge of 54 bytes: a nonce, the millisecond of its end, and a proof that binds the purpose.

        purpose: What the answer is for, and of whom.
        """
        ends = int((times.now() + LIFETIME).timestamp() * 1000)
        sealed = secrets.token_bytes(NONCE_BYTES) + ends.to_bytes(TIME_BYTES)
        return sealed + self._proof(sealed, purpose)

    def check(self, challenge: bytes, *purpose: str) -> datetime:
        """When the challenge ends. Raises PasskeyLate for one that ended, or is of another purpose."""
        sealed, proof = challenge[:_SEALED], challenge[_SEALED:]
        if not hmac.compare_digest(proof, self._proof(sealed, purpose)):
            raise PasskeyLate()
        ends = datetime.fromtimestamp(int.from_bytes(sealed[NONCE_BYTES:]) / 1000, UTC)
        if ends <= times.now():
            raise PasskeyLate()
        return ends

    def _proof(self, sealed: bytes, purpose: tuple[str, ...]) -> bytes:
        return hmac.digest(self.key, sealed + "\0".join(purpose).encode(), sha256)


class SpentChallenges:
    """Challenges that were answered: `{_id: their SHA-256, expires_at}`, deleted by a TTL index."""

    indexes = (Index([("expires_at", ASCENDING)], name="forgotten", expire_after=timedelta(0)),)

    def __init__(self, database: Database) -> None:
        self.documents = database["spent_challenges"]

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def spend(self, challenge: bytes, ends: datetime) -> None:
        """Raises PasskeyLate where it was spent before. Of concurrent calls, one succeeds."""
        try:
            await self.documents.insert_one({"_id": sha256(challenge).hexdigest(), "expires_at": ends + KEPT})
        except DuplicateKey:
            raise PasskeyLate() from None
