"""Errors that refuse a passkey."""

from auth.passkeys.domain import MAX_PASSKEYS
from common.base.errors import BadRequest
from common.contract.error_codes import ErrorCode


class PasskeyRefused(BadRequest):
    """A passkey that is unknown, was removed, or did not sign what it had to: no word says which."""

    code = ErrorCode.PASSKEY_REFUSED
    default_message = "This passkey does not work here: it may have been removed"


class PasskeyUnreadable(BadRequest):
    """A new passkey that can't be read, is of an unknown algorithm, or did not verify its user."""

    code = ErrorCode.PASSKEY_UNREADABLE
    default_message = "This device's passkey could not be added"


class PasskeyLate(BadRequest):
    """The challenge was answered before, too late, or for something else."""

    code = ErrorCode.PASSKEY_LATE
    default_message = "That took too long, please try again"


class PasskeyKnown(BadRequest):
    code = ErrorCode.PASSKEY_KNOWN
    default_message = "This passkey is one of the account's already"


class TooManyPasskeys(BadRequest):
    code = ErrorCode.PASSKEY_LIMIT
    default_message = f"An account has at most {MAX_PASSKEYS} passkeys: remove one first"
