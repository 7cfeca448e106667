"""Errors that refuse a sign-up, a sign-in or a change of an account."""

from auth.passkeys.errors import PasskeyRefused
from common.base.errors import BadRequest, KeyReused, TooManyTries, Unavailable
from common.base.security import SecurityEvent
from common.contract.error_codes import ErrorCode


class EmailInUse(BadRequest):
    code = ErrorCode.EMAIL_IN_USE
    default_message = "Email in use"

    def __init__(self) -> None:
        super().__init__(field="email")


class SignedUpBefore(Exception):
    """The sign-up was sent before, with the same key and e-mail; its password is still to be verified."""


class InvalidCredentials(BadRequest):
    """Unknown e-mail or wrong password. One message for both hides which accounts exist."""

    code = ErrorCode.INVALID_CREDENTIALS
    default_message = "Invalid credentials"


class WrongPassword(BadRequest):
    """The password that a signed-in user gave for a change of the account."""

    code = ErrorCode.PASSWORD_WRONG
    default_message = "That is not your password"

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class LinkInvalid(BadRequest):
    """A link that was used, replaced by a newer one, too old, or never ours: no word says which."""

    code = ErrorCode.LINK_INVALID
    default_message = "This link was used before, was replaced by a newer one, or is too old"


class Busy(Unavailable):
    code = ErrorCode.SIGN_IN_BUSY
    default_message = "Too many people are signing in right now, please try again in a moment"


class TooManySignUps(TooManyTries):
    code = ErrorCode.TOO_MANY_SIGN_UPS
    default_message = "Too many accounts were created from your network, please wait"


FAILED_SIGN_INS = {
    InvalidCredentials.code: SecurityEvent.SIGN_IN_FAILED,
    # A guess of the password of a sign-up that was sent before.
    KeyReused.code: SecurityEvent.SIGN_IN_FAILED,
    WrongPassword.code: SecurityEvent.SIGN_IN_FAILED,
    PasskeyRefused.code: SecurityEvent.SIGN_IN_FAILED,
}
"""Events of the security log, by the code of the refusal."""
