"""The signed-in user, as a session names them. Without HTTP, so that domains can use it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """session_id: Random name of the session.

    may_trade: False where the rule of `auth` asks the user to confirm the e-mail address first.
    """

    id: str
    session_id: str = ""
    may_trade: bool = True
