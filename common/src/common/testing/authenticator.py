"""A device with passkeys, in memory: what a browser and an authenticator do of WebAuthn level 2."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40
"""Flags of authenticator data."""


@dataclass
class Credential:
    key: Ed25519PrivateKey
    handle: str
    count: int


@dataclass
class Authenticator:
    """origin: Of the page. flags: What the device says of its user. counts: Whether it counts its uses."""

    origin: str
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    credentials: dict[str, Credential] = field(default_factory=dict)

    def create(self, options: Mapping[str, Any], **client_data: object) -> dict[str, Any]:
        """The answer to options to add a passkey. client_data: Replaces what the browser would say."""
        name = encoded(secrets.token_bytes(32))
        credential = Credential(Ed25519PrivateKey.generate(), options["user"]["id"], 0)
        self.credentials[name] = credential
        public = credential.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        raw = decoded(name)
        key = {1: 1, 3: -8, -1: 6, -2: public}
        attested = bytes(16) + len(raw).to_bytes(2) + raw + cbor(key)
        data = self._data(options["rp"]["id"], credential, WITH_KEY) + attested
        statement = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", options, client_data)
        response = {"clientDataJSON": encoded(said), "attestationObject": encoded(statement)}
        return {"id": name, "rawId": name, "type": "public-key", "response": response}

    def get(
        self, options: Mapping[str, Any], name: str | None = None, /, **client_data: object
    ) -> dict[str, Any]:
        """The answer to options to use a passkey. name: Of the credential; the latest one by default."""
        name = name or list(self.credentials)[-1]
        credential = self.credentials[name]
        credential.count += self.counts
        data = self._data(options["rpId"], credential)
        said = self._said("webauthn.get", options, client_data)
        response = {
            "clientDataJSON": encoded(said),
            "authenticatorData": encoded(data),
            "signature": encoded(credential.key.sign(data + sha256(said).digest())),
            "userHandle": credential.handle,
        }
        return {"id": name, "rawId": name, "type": "public-key", "response": response}

    def _data(self, host: str, credential: Credential, *flags: int) -> bytes:
        return (
            sha256(host.encode()).digest() + bytes([self.flags | sum(flags)]) + credential.count.to_bytes(4)
        )

    def _said(self, kind: str, options: Mapping[str, Any], others: Mapping[str, object]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps({**said, "crossOrigin": False, **others}).encode()


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(f"{text}===")


def cbor(value: object) -> bytes:
    """RFC 8949, as far as a passkey needs it: maps, texts, bytes and integers."""
    match value:
        case int() if value >= 0:
            return _head(0, value)
        case int():
            return _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case dict():
            return _head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    raise TypeError(value)


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    return bytes([kind << 5 | (24 if number < 256 else 25)]) + number.to_bytes(1 if number < 256 else 2)
