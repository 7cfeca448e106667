"""Encryption of stored files: AES-256-GCM under a data key of each file, which a key of `FILES_KEY` wraps.

The first key of the setting wraps; all of them unwrap. So a key rotates in three steps, and no file is
written again: the new key before the old one, a sweep that wraps each data key by the first, the old one out.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tickets.files.record import WrappedKey

KEY_BYTES = 32
NONCE_BYTES = 12
_WRAPPING = b"gittix files: wrapping of data keys"
_NAMING = b"gittix files: name of a key"
_BARCODES = b"gittix files: barcodes"


class Unreadable(Exception):
    """The content is not what was sealed, or its key is not among the settings'."""


class FileKeys:
    """keys: The setting's, each of at least 32 characters; the first wraps."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {_derived(key, _NAMING, 8).hex(): _derived(key, _WRAPPING) for key in keys}
        self.first = next(iter(self._keys))

    def seal(self, name: str, content: bytes) -> tuple[bytes, WrappedKey]:
        """The encrypted content and its wrapped key. name: Of the object; it opens under no other."""
        data_key = secrets.token_bytes(KEY_BYTES)
        return _encrypted(data_key, content, name), self._wrapped(data_key, name)

    def open(self, name: str, sealed: bytes, key: WrappedKey) -> bytes:
        """Raises Unreadable."""
        return _decrypted(self._unwrapped(key, name), sealed, name)

    def wrap_again(self, name: str, key: WrappedKey) -> WrappedKey:
        """Under the first key. Raises Unreadable."""
        return self._wrapped(self._unwrapped(key, name), name)

    def _wrapped(self, data_key: bytes, name: str) -> WrappedKey:
        wrapped = _encrypted(self._keys[self.first], data_key, name)
        return WrappedKey(self.first, base64.b64encode(wrapped).decode())

    def _unwrapped(self, key: WrappedKey, name: str) -> bytes:
        wrapping = self._keys.get(key.key_id)
        if wrapping is None:
            raise Unreadable(f"no key {key.key_id}")
        return _decrypted(wrapping, base64.b64decode(key.wrapped), name)


class BarcodeHashes:
    """Keyed hashes of barcodes. The key does not rotate with the files': hashes are compared for years."""

    def __init__(self, key: str) -> None:
        self._key = _derived(key, _BARCODES)

    def of(self, barcodes: Sequence[bytes]) -> tuple[str, ...]:
        """One for each barcode that names a ticket.

        A web address beside another barcode does not: every ticket of an organiser may show the same one.
        """
        naming = [code for code in barcodes if not code.lower().startswith((b"http://", b"https://"))]
        return tuple(hmac.digest(self._key, code, hashlib.sha256).hex() for code in naming or barcodes)


def _derived(key: str, purpose: bytes, length: int = KEY_BYTES) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=purpose).derive(key.encode())


def _encrypted(key: bytes, content: bytes, name: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, name.encode())


def _decrypted(key: bytes, sealed: bytes, name: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):
        raise Unreadable("not what was sealed") from None
