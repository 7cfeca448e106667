"""The signed-in user, as a session names them. Without HTTP, so that domains can use it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """session_id: Random name of the session; "" in one that the release before began."""

    id: str
    session_id: str = ""
