"""The short form of a receipt's code: its QR code is coarse enough for a small print and a cheap camera.

54 characters of base64url: the ids of order and ticket (12 bytes each), then the first 16 bytes of an
HMAC-SHA256 of both.
"""

import base64
import binascii
import hashlib
import hmac

LENGTH = 54
_IDS = 32
"""Characters that hold the two ids."""
_TAG_BYTES = 16
_PURPOSE = b"gittix receipt, form 2: "
"""Separates these codes from all else that is signed with the same key, such as sessions."""


def sign(key: str, order_id: str, ticket_id: str) -> str:
    """order_id, ticket_id: 24 hex digits each."""
    ids = bytes.fromhex(order_id + ticket_id)
    tag = hmac.digest(key.encode(), _PURPOSE + ids, hashlib.sha256)[:_TAG_BYTES]
    return base64.urlsafe_b64encode(ids + tag).decode().rstrip("=")


def read(key: str, code: str) -> tuple[str, str] | None:
    """The ids of order and ticket; None for a code that was not signed with `key`, or has another form."""
    if not code.isascii():
        return None
    try:
        ids = base64.b64decode(code[:_IDS], altchars=b"-_", validate=True).hex()
    except (binascii.Error, ValueError):
        return None
    order_id, ticket_id = ids[:24], ids[24:]
    genuine = hmac.compare_digest(code.encode(), sign(key, order_id, ticket_id).encode())
    return (order_id, ticket_id) if genuine else None
