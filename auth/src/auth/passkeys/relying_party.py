"""The site as devices know it: what it asks of them, and whether an answer is genuine.

The one module that knows the library of WebAuthn. Source: https://www.w3.org/TR/webauthn-2/
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.passkeys.challenges import LIFETIME
from auth.passkeys.domain import Holder, Passkey
from auth.passkeys.errors import PasskeyRefused, PasskeyUnreadable
from common.base.errors import BadRequest

T = TypeVar("T")
Answer = Mapping[str, Any]
"""JSON of a device's answer: `RegistrationResponseJSON` or `AuthenticationResponseJSON` of WebAuthn."""

log = logging.getLogger(__name__)

NAME = "GitTix"
ALGORITHMS = [
    Algorithm.EDDSA,
    Algorithm.ECDSA_SHA_256,
    Algorithm.RSASSA_PKCS1_v1_5_SHA_256,
]
"""The best first. The last one is for Windows Hello."""
TIMEOUT_MILLISECONDS = int(LIFETIME.total_seconds() * 1000)
MAX_CREDENTIAL = 1023
"""Bytes of a credential's id, from the specification."""
MAX_PUBLIC_KEY = 1024
"""In bytes; a key of RSA with 4096 bits has about 530."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A genuine key of a new passkey; as in `Passkey`."""

    credential: str
    public_key: str
    sign_count: int


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """host: Of the site; what a passkey is bound to. origin: Of the pages, such as `https://gittix.test`."""

    host: str
    origin: str

    @classmethod
    def of(cls, public_url: str) -> "RelyingParty":
        """public_url: An origin, as a browser writes it."""
        return cls(urlsplit(public_url).hostname or "", public_url)

    def to_add(self, challenge: bytes, holder: Holder, email: str) -> Mapping[str, Any]:
        """JSON of the options to add a passkey. email: By which devices name the account."""
        options = webauthn.generate_registration_options(
            rp_id=self.host,
            rp_name=NAME,
            user_name=email,
            user_id=base64url_to_bytes(holder.handle),
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(holder.passkeys),
            supported_pub_key_algs=ALGORITHMS,
        )
        return options_to_json_dict(options)

    def to_use(self, challenge: bytes, passkeys: Sequence[Passkey] = ()) -> Mapping[str, Any]:
        """JSON of the options to use a passkey. passkeys: That may be used; none for any of the site."""
        options = webauthn.generate_authentication_options(
            rp_id=self.host,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            allow_credentials=_descriptors(passkeys),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    def added(self, answer: Answer, challenge: bytes) -> NewKey:
        """The key of a genuine answer to the challenge. Raises PasskeyUnreadable."""
        return _judged(PasskeyUnreadable, lambda: self._added(answer, challenge))

    def used(self, answer: Answer, challenge: bytes, passkey: Passkey) -> int:
        """The sign count of a genuine answer by the passkey. Raises PasskeyRefused.

        A count that does not grow is refused: a copy of the key may be in use.
        """
        return _judged(PasskeyRefused, lambda: self._used(answer, challenge, passkey))

    def _added(self, answer: Answer, challenge: bytes) -> NewKey:
        credential = parse_registration_credential_json(dict(answer))
        statement = parse_attestation_object(credential.response.attestation_object)
        # Browsers leave these two when none is asked for. Of others, the sender chooses what has to be read.
        if statement.fmt not in (AttestationFormat.NONE, AttestationFormat.PACKED) or statement.att_stmt.x5c:
            raise PasskeyUnreadable()
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=self.host,
            expected_origin=self.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        is_short = len(verified.credential_public_key) <= MAX_PUBLIC_KEY
        # The id that the device signed, and not the one beside it.
        is_same = verified.credential_id == credential.raw_id
        if not is_short or not is_same or len(verified.credential_id) > MAX_CREDENTIAL:
            raise PasskeyUnreadable()
        public_key = bytes_to_base64url(verified.credential_public_key)
        return NewKey(bytes_to_base64url(verified.credential_id), public_key, verified.sign_count)

    def _used(self, answer: Answer, challenge: bytes, passkey: Passkey) -> int:
        credential = parse_authentication_credential_json(dict(answer))
        if bytes_to_base64url(credential.raw_id) != passkey.credential:
            raise PasskeyRefused()
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=self.host,
            expected_origin=self.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
        return verified.new_sign_count


@dataclass(frozen=True, slots=True)
class Claim:
    """What an answer says before it is verified. handle: Of its user, "" where it names none."""

    challenge: bytes
    credential: str
    handle: str


def claim_of(answer: Answer, refusal: type[BadRequest]) -> Claim:
    """Raises `refusal` for an answer that can't be read, or from a frame inside of another site."""

    def read() -> Claim:
        response = answer["response"]
        client_data = parse_client_data_json(base64url_to_bytes(response["clientDataJSON"]))
        if client_data.cross_origin:
            raise refusal()
        # Read and written again: one form for each value.
        handle = bytes_to_base64url(base64url_to_bytes(response.get("userHandle") or ""))
        credential = bytes_to_base64url(base64url_to_bytes(answer["id"]))
        return Claim(client_data.challenge, credential, handle)

    return _judged(refusal, read)


def _judged(refusal: type[BadRequest], read: Callable[[], T]) -> T:
    """The result of `read`. Raises `refusal` for whatever error the library finds in a stranger's bytes."""
    try:
        return read()
    except refusal:
        raise
    # The library's own errors, and those of what it reads CBOR, JSON and keys with: they have no common base.
    except Exception as error:
        log.info("a passkey's answer was refused", extra={"error": type(error).__name__})
        raise refusal() from error


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential)) for each in passkeys]
