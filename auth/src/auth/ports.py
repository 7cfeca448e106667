"""Interfaces of what a change of an account needs from other parts of the service."""

from typing import Protocol


class SessionEnder(Protocol):
    async def end_sessions(self, user_id: str, *, but: str | None = None) -> None:
        """Ends the user's sessions. Idempotent. but: Id of one that goes on."""

    async def forget_origins(self, user_id: str) -> None:
        """Erases where the user's sessions began: devices and network addresses."""
