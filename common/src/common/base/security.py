"""Security log: named events on the logger `security`, in the one form of all logs.

The names are those of the OWASP Logging Vocabulary where it has one.
Source: https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
"""

import logging
from enum import StrEnum
from typing import Final, TypedDict, Unpack

from prometheus_client import Counter

LOGGER = "security"

_log = logging.getLogger(LOGGER)
_COUNT = Counter("security_events", "Events of the security log, those without a line included", ["event"])


class SecurityEvent(StrEnum):
    """The member's name, in words, is the line's message; its value is the line's `event`."""

    SIGN_IN_SUCCEEDED = "authn_login_success"
    SIGN_IN_FAILED = "authn_login_fail"
    SIGNED_UP = "user_created"
    PASSWORD_CHANGED = "authn_password_change"
    EMAIL_CONFIRMED = "user_updated"
    """The address is confirmed, or changed, by a link that was mailed to it."""
    ACCOUNT_DELETED = "user_deleted"
    SESSION_ENDED = "authn_token_revoked"
    """By the owner, on another device or on all others; a sign-out is no event."""
    PASSKEY_ADDED = "authn_passkey_added"
    """Ours, as the next one."""
    PASSKEY_REMOVED = "authn_passkey_removed"
    TOKEN_INVALID = "authn_token_invalid"
    """Ours: a session that is not genuine; a genuine one that has merely expired is no event."""
    THROTTLED = "excess_rate_limit_exceeded"
    """Too many tries, or requests, in a time."""
    LIMIT_MET = "excess_limit_met"
    """Ours: a limit of the business, such as that of open orders."""
    ACCESS_DENIED = "authz_fail"
    """Also of a record that does not exist: ids of others are guessed so."""
    CROSS_SITE = "malicious_cors"
    WEBHOOK_REFUSED = "webhook_signature_fail"
    """Ours: a message in a provider's name without its signature."""
    KEY_ROTATED = "crypt_key_rotated"
    """Ours."""


NORMAL: Final = frozenset(
    {
        SecurityEvent.SIGN_IN_SUCCEEDED,
        SecurityEvent.SIGNED_UP,
        SecurityEvent.PASSWORD_CHANGED,
        SecurityEvent.EMAIL_CONFIRMED,
        SecurityEvent.ACCOUNT_DELETED,
        SecurityEvent.SESSION_ENDED,
        SecurityEvent.PASSKEY_ADDED,
        SecurityEvent.PASSKEY_REMOVED,
        SecurityEvent.KEY_ROTATED,
    }
)
"""Logged at level INFO; the others are refusals, and warnings."""


class Fields(TypedDict, total=False):
    """All that a line may say besides its event: none takes a password, a token, an e-mail or a body.

    client_address: IP address. email_hash: Keyed hash of an e-mail. route: Template, such as
    "/api/orders/{order_id}": a path itself may hold a secret. code: Code of the refusal. key_id: Public name
    of a key, such as its `kid`. suppressed: Events of the last minute that have no line of their own.
    """

    user_id: str | None
    client_address: str
    email_hash: str
    method: str
    route: str
    status: int
    code: str
    key_id: str
    suppressed: int


def record(event: SecurityEvent, **fields: Unpack[Fields]) -> None:
    """Writes a line, and counts the event in the metric `security_events_total`."""
    _COUNT.labels(event).inc()
    write(event, fields)


def write(event: SecurityEvent, fields: Fields) -> None:
    """Writes a line without counting it."""
    level = logging.INFO if event in NORMAL else logging.WARNING
    _log.log(level, event.name.lower().replace("_", " "), extra={"event": str(event), **fields})
