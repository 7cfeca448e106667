"""The signed-in user, as a session names them. Without HTTP, so that domains can use it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CurrentUser:
    id: str
    email: str
