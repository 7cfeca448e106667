"""The short form of a receipt's code, so that its QR code is coarse enough for a small print and a cheap camera.

54 characters of base64url: order id (12 bytes), ticket id (12), and the first 16 bytes of an HMAC-SHA256 of both.
"""

import base64
import binascii
import hashlib
import hmac

LENGTH = 54
_IDS = 24
_TAG = 16
_PURPOSE = b"gittix receipt, form 2: "
"""Separates these codes from all else that is signed with the same key, such as sessions."""


def sign(key: str, order_id: str, ticket_id: str) -> str:
    """order_id, ticket_id: 24 hex digits each."""
    ids = bytes.fromhex(order_id + ticket_id)
    return base64.urlsafe_b64encode(ids + _tag(key, ids)).decode().rstrip("=")


def read(key: str, code: str) -> tuple[str, str] | None:
    """The ids of order and ticket; None for a code that was not signed with `key`, or has another form."""
    if len(code) != LENGTH:
        return None
    try:
        signed = base64.b64decode(code + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    ids, tag = signed[:_IDS], signed[_IDS:]
    if not hmac.compare_digest(tag, _tag(key, ids)):
        return None
    return ids[:12].hex(), ids[12:].hex()


def _tag(key: str, ids: bytes) -> bytes:
    return hmac.digest(key.encode(), _PURPOSE + ids, hashlib.sha256)[:_TAG]
