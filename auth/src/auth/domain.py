"""Users, their e-mail addresses, and the limits on guessers and new accounts."""

import secrets
from dataclasses import dataclass, field
from typing import Self
from unicodedata import normalize

from email_validator import EmailNotValidError, validate_email

from common.base.errors import InvalidValue
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.error_codes import ErrorCode

MAX_EMAIL = 254
"""Maximum length in characters, from the maximum length of a path in RFC 5321."""
MIN_PASSWORD = 8
MAX_PASSWORD = 128
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Email:
    """E-mail `address` as the user typed it. Addresses that differ in case or Unicode form share a `key`."""

    address: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses an e-mail address, without a DNS lookup. Raises InvalidValue for a malformed address."""
        address = text.strip()
        # Checked before the library runs, because the library's time grows with the length.
        if len(address) > MAX_EMAIL:
            raise InvalidValue("Email must be valid", ErrorCode.EMAIL_INVALID)
        try:
            # `test_environment` allows the names under .test, which mail can't reach (RFC 6761).
            known = validate_email(address, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            raise InvalidValue("Email must be valid", ErrorCode.EMAIL_INVALID) from None
        return cls(address, normalize("NFC", known.normalized.casefold()))


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """confirmed: A link that was mailed to `email` was used. generation: Count of changes of the password.
    language: Of its mails, such as "zh". bounced: Mail to `email` was refused for good, and none taken since.
    notices: Whether mails that can be turned off are sent.
    """

    id: str
    email: Email
    password_hash: str = field(repr=False)
    confirmed: bool = False
    generation: int = 0
    language: str = DEFAULT_LANGUAGE
    bounced: bool = False
    notices: bool = True

    @classmethod
    def register(cls, email: Email, password_hash: str, language: str = "") -> Self:
        return cls(
            id=new_id(), email=email, password_hash=password_hash, language=language or DEFAULT_LANGUAGE
        )

    def new_session(self) -> CurrentUser:
        """The user in a new session, whose id is 16 random bytes."""
        return CurrentUser(self.id, secrets.token_urlsafe(16))

    def may_trade(self, *, must_confirm: bool) -> bool:
        """Whether the user may sell and buy. must_confirm: The rule that the address has to be confirmed."""
        return self.confirmed or not must_confirm


@dataclass(frozen=True, slots=True)
class Source:
    """Origin of a sign-in or a sign-up.

    address: Network address, "" if unknown. device: Nonce of a device that signed in to this account before;
    None for any other device. language: Of the page, such as "zh"; "" if unknown.
    """

    address: str
    device: str | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on guessing and on new accounts; 0 for none.

    failed_sign_ins: In any 15 minutes, of an account from an address, or on a device that it knows.
    failed_sign_ins_per_address: From an address over all accounts.
    failed_sign_ins_per_account: Of an account from all devices that it does not know. Higher than the first:
    it locks out the owner's new devices, too.
    sign_ups_per_hour: From an address.
    mail_requests: Requests for a mail with a link in an hour, of an account from an address.
    mail_requests_per_address, mail_requests_per_account: From an address; of an account from anywhere.
    """

    failed_sign_ins: int
    failed_sign_ins_per_address: int
    failed_sign_ins_per_account: int
    sign_ups_per_hour: int
    mail_requests: int
    mail_requests_per_address: int
    mail_requests_per_account: int
