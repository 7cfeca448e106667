"""Password hashes: argon2id, off the event loop, two at a time, behind a queue that has an end."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type

from auth.errors import Busy

AT_ONCE = 2
MAX_WAITING = 200


class Hasher(Protocol):
    """The part of argon2's PasswordHasher that is used."""

    def hash(self, password: str | bytes, /) -> str: ...

    def verify(self, hash: str | bytes, password: str | bytes, /) -> bool:
        """Raises VerifyMismatchError for another password."""

    def check_needs_rehash(self, hash: str | bytes, /) -> bool: ...


def argon2id() -> PasswordHasher:
    """The first choice of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane."""
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


class Passwords:
    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._nobodys = hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def match(self, password_hash: str | None, password: str) -> bool:
        """False where there is no hash, after the same work: nobody's password is known to nobody."""
        try:
            await asyncio.to_thread(self._hasher.verify, password_hash or self._nobodys, _bytes(password))
        except VerifyMismatchError:
            return False
        return True

    def are_weaker(self, password_hash: str) -> bool:
        """It was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)


class HashQueue:
    """Hands out turns at hashing, so that a flood of requests bounds the memory, the CPU and the wait."""

    def __init__(self, passwords: Passwords, at_once: int = AT_ONCE, max_waiting: int = MAX_WAITING) -> None:
        self._passwords = passwords
        self._turns = asyncio.Semaphore(at_once)
        self._max_waiting = max_waiting
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Passwords]:
        """Raises Busy when the queue is full."""
        if self._waiting >= self._max_waiting:
            raise Busy()
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield self._passwords
        finally:
            self._turns.release()


def _bytes(password: str) -> bytes:
    """The same for one password however a keyboard composes its characters (NIST SP 800-63B, 5.1.1.2)."""
    return normalize("NFKC", password).encode()
