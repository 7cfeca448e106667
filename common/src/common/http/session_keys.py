"""Ed25519 keys of sessions, as settings hold them: one line of text each.

A private key is `ed25519:` and its seed, a public key its bytes: 32 bytes each, as base64url without padding.
Neither is taken for the other. The id of a key is derived from it, so that no pair can be mismatched.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORM = "ed25519:"
"""Start of a private key's text."""
MIN_SECRET_LENGTH = 32
"""In characters. HS256 requires a key of at least 256 bits (RFC 7518, section 3.2)."""
_BYTES = 32

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """text: As in `JWT_PUBLIC_KEYS`. id: The `kid` of its tokens, its thumbprint (RFC 7638, RFC 8037)."""

    text: str
    id: str
    verifier: Ed25519PublicKey = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, which does not repeat the text, for any other form."""
        if text.startswith(FORM):
            raise ValueError("a private key, where a public one belongs")
        verifier = _checked(Ed25519PublicKey.from_public_bytes, text)
        # The members that RFC 8037, appendix A.3 names, in the order of their names and without white space.
        members = f'{{"crv":"Ed25519","kty":"OKP","x":"{text}"}}'
        return cls(text, _encoded(hashlib.sha256(members.encode()).digest()), verifier)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs sessions. Its text is a secret."""

    text: str = field(repr=False)
    public: PublicKey
    signer: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, which does not repeat the text, for any other form."""
        if not text.startswith(FORM):
            raise ValueError(f"not of the form {FORM}SEED")
        signer = _checked(Ed25519PrivateKey.from_private_bytes, text.removeprefix(FORM))
        return cls(text, PublicKey.parse(_encoded(signer.public_key().public_bytes_raw())), signer)

    @classmethod
    def generate(cls) -> Self:
        return cls.parse(FORM + _encoded(secrets.token_bytes(_BYTES)))


def checked_secret(text: str) -> str:
    """A key for HMAC of one purpose. Raises ValueError for a short one, and for a private key of sessions."""
    if text.startswith(FORM):
        raise ValueError("a private key, which only the service that signs may have")
    if len(text) < MIN_SECRET_LENGTH:
        raise ValueError(f"shorter than {MIN_SECRET_LENGTH} characters")
    return text


def public_keys(text: str) -> Mapping[str, PublicKey]:
    """The keys of `JWT_PUBLIC_KEYS`, with commas between, by id. Raises ValueError if one is malformed."""
    keys = (PublicKey.parse(one.strip()) for one in text.split(",") if text)
    return {key.id: key for key in keys}


def _checked(parse: Callable[[bytes], K], text: str) -> K:
    try:
        raw = base64.b64decode(text + "=", altchars=b"-_", validate=True)
        if len(raw) != _BYTES or _encoded(raw) != text:
            raise ValueError
        return parse(raw)
    except (binascii.Error, UnsupportedAlgorithm, ValueError):
        raise ValueError(f"not {_BYTES} bytes as base64url without padding") from None


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
