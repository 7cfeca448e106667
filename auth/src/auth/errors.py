"""Why a sign-up or a sign-in is refused."""

from common.base.errors import BadRequest, Unavailable
from common.contract.error_codes import ErrorCode


class EmailInUse(BadRequest):
    code = ErrorCode.EMAIL_IN_USE
    default_message = "Email in use"

    def __init__(self) -> None:
        super().__init__(field="email")


class InvalidCredentials(BadRequest):
    """The same words for an unknown e-mail and a wrong password: neither tells who has an account."""

    code = ErrorCode.INVALID_CREDENTIALS
    default_message = "Invalid credentials"


class Busy(Unavailable):
    code = ErrorCode.SIGN_IN_BUSY
    default_message = "Too many people are signing in right now, please try again in a moment"
