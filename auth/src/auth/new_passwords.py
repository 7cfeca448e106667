"""Rules for a new password. One that an account has already is not judged again.

Common, expected and compromised passwords are refused, with the reason.
Source: NIST SP 800-63B-4, section 3.1.1.2.
"""

from collections.abc import Iterator

from auth.common_passwords import folded, is_common
from auth.domain import MAX_PASSWORD, MIN_PASSWORD, Email
from common.base.errors import InvalidValue
from common.contract.error_codes import ErrorCode

SITE = "gittix"
MAX_AROUND = 6
"""Further characters beside a name, such as those of `Gittix-2026!`, that don't make it another password."""


def check(password: str, email: Email | None) -> None:
    """Raises InvalidValue for a password that breaks a rule. email: None for an unknown one."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        rule = f"Password must be {MIN_PASSWORD} to {MAX_PASSWORD} characters"
        raise InvalidValue(rule, ErrorCode.PASSWORD_INVALID)
    if is_common(password):
        raise InvalidValue("Password must not be one of the most common ones", ErrorCode.PASSWORD_COMMON)
    if email is not None and any(_is_like(password, name) for name in _names(email)):
        raise InvalidValue("Password must not be like the email", ErrorCode.PASSWORD_LIKE_EMAIL)
    if _is_like(password, SITE):
        raise InvalidValue("Password must not be like the name of this site", ErrorCode.PASSWORD_LIKE_SITE)


def _names(email: Email) -> Iterator[str]:
    """The address, its part before the `@`, and that without a tag: `ada` of `ada+tickets@example.test`."""
    local = email.key.partition("@")[0]
    yield from (email.key, local, local.partition("+")[0])


def _is_like(password: str, name: str) -> bool:
    """Whether the password is the name, in any case, with nothing but punctuation and a few digits."""
    word, core = folded(password), _letters_and_digits(folded(name))
    before, found, after = _letters_and_digits(word).partition(core) if core else ("", "", "")
    around = before + after
    return bool(found) and len(word) - len(core) <= MAX_AROUND and (not around or around.isdecimal())


def _letters_and_digits(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
