"""Addresses as SMTP takes them."""

from email.headerregistry import Address

from email_validator import EmailNotValidError, validate_email


class NotAnAddress(ValueError):
    """A mail can't be sent to this text, now or later."""


def smtp_address(text: str) -> Address:
    """The address with its domain in ASCII (IDNA): only a local part beyond ASCII needs SMTPUTF8.

    Raises NotAnAddress for text that is not exactly one.
    """
    try:
        known = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise NotAnAddress("not one e-mail address") from None
    return Address(username=known.local_part, domain=known.ascii_domain)
