"""A user's passkeys."""

from dataclasses import dataclass
from datetime import datetime

from common.base.errors import InvalidValue
from common.contract.error_codes import ErrorCode

MAX_PASSKEYS = 10
"""Of an account."""
MAX_NAME = 50
"""In characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passkey:
    """id: Ours, 24 hex digits. credential: The device's id of it, in base64url without padding.

    public_key: COSE key, in the same form. sign_count: Of its latest use; 0 from devices that don't count.
    name: As its user called it. at: When it was added.
    """

    id: str
    credential: str
    public_key: str
    sign_count: int
    name: str
    at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """What passkeys know of their user. handle: 32 random bytes in base64url, stored on devices."""

    handle: str
    passkeys: tuple[Passkey, ...]


def name_of(value: object) -> str:
    """A passkey's name, trimmed. Raises InvalidValue for one that is empty, too long or can't be printed."""
    name = value.strip() if isinstance(value, str) and len(value) <= 4 * MAX_NAME else ""
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidValue(f"Name must be 1 to {MAX_NAME} characters", ErrorCode.PASSKEY_NAME_INVALID)
    return name
