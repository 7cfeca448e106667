"""Why a sign-up or a sign-in is refused."""

from common.base.errors import BadRequest, Unavailable


class EmailInUse(BadRequest):
    default_message = "Email in use"

    def __init__(self) -> None:
        super().__init__(field="email")


class InvalidCredentials(BadRequest):
    """The same words for an unknown e-mail and a wrong password: neither tells who has an account."""

    default_message = "Invalid credentials"


class Busy(Unavailable):
    default_message = "Too many people are signing in right now, please try again in a moment"
