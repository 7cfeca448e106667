"""Password hashes: argon2id, in threads outside the event loop."""

import asyncio
import secrets
from typing import Protocol
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type


class Hasher(Protocol):
    """Interface of argon2's PasswordHasher, as far as this service uses it."""

    def hash(self, password: str | bytes, /) -> str: ...

    def verify(self, hash: str | bytes, password: str | bytes, /) -> bool:
        """Verifies a password against a hash. Raises VerifyMismatchError for a wrong password."""

    def check_needs_rehash(self, hash: str | bytes, /) -> bool: ...


def argon2id() -> PasswordHasher:
    """Hasher of the first choice in OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane."""
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


class Passwords:
    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._dummy_hash = hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def match(self, password_hash: str | None, password: str) -> bool:
        """Whether the password matches the hash.

        Returns False for `password_hash=None` (an unknown user). It then verifies a dummy hash of a random
        password, so that the work is the same as for a known user.
        """
        try:
            await asyncio.to_thread(self._hasher.verify, password_hash or self._dummy_hash, _bytes(password))
        except VerifyMismatchError:
            return False
        return True

    def are_weaker(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than the current ones."""
        return self._hasher.check_needs_rehash(password_hash)


def _bytes(password: str) -> bytes:
    """Bytes of the normalised password, equal for every way to compose its characters on a keyboard.

    Source: NIST SP 800-63B, 5.1.1.2.
    """
    return normalize("NFKC", password).encode()
