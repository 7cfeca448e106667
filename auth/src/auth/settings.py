from typing import Annotated

from pydantic import AfterValidator, Field

from auth.domain import Limits
from auth.mail.addresses import smtp_address
from auth.mail.server import MailServer
from common.http.session import IssuingSessions
from common.http.session_keys import PrivateKey, public_keys
from common.http.session_tokens import TokenSigner, verifier_of
from common.runtime.settings import (
    BrokerSettings,
    CookieSettings,
    MongoUri,
    PublicUrl,
    SecretKey,
    ServiceSettings,
)

Count = Annotated[int, Field(ge=0, le=1_000)]
"""Limit of a moving window; 0 for none. Each event that counts is stored until it leaves the window."""


def _private_key(text: str) -> str:
    PrivateKey.parse(text)
    return text


def _public_keys(text: str) -> str:
    public_keys(text)
    return text


def _mail_url(text: str) -> str:
    MailServer.parse(text)
    return text


def _address(text: str) -> str:
    smtp_address(text)
    return text


class Settings(ServiceSettings, CookieSettings, BrokerSettings):
    mongo_uri: MongoUri
    jwt_key: Annotated[str, AfterValidator(_private_key)] = Field(repr=False)
    """The private key that signs sessions: `ed25519:SEED`."""
    jwt_public_keys: Annotated[str, AfterValidator(_public_keys)] = ""
    """Further keys whose sessions are good, beside its own: those before it, and the next one."""
    client_address_key: SecretKey
    """Verifies browsers' addresses by the pages: `common.http.client_address`."""
    device_key: SecretKey
    """Proves device cookies. A new key makes every device one that its account does not know."""
    public_url: PublicUrl
    """The edge, as browsers reach it, such as `https://gittix.example`.

    Links in mails begin with it, and passkeys are bound to its host.
    """
    mail_url: Annotated[str, AfterValidator(_mail_url)] = Field(repr=False)
    """Server that takes mails, as `auth.mail.server`: `smtp://host:25`, `smtps://user:password@host`."""
    mail_from: Annotated[str, AfterValidator(_address)]
    """Address that mails come from."""
    max_failed_sign_ins: Count = 10
    max_failed_sign_ins_per_address: Count = 30
    max_failed_sign_ins_per_account: Count = 100
    sign_ups_per_hour: Count = 20
    mail_requests_per_hour: Count = 3
    mail_requests_per_hour_per_address: Count = 30
    mail_requests_per_hour_per_account: Count = 10
    require_confirmed_email: bool = True
    """Whether a user has to confirm the e-mail address before selling or buying."""

    @property
    def limits(self) -> Limits:
        return Limits(
            self.max_failed_sign_ins,
            self.max_failed_sign_ins_per_address,
            self.max_failed_sign_ins_per_account,
            self.sign_ups_per_hour,
            self.mail_requests_per_hour,
            self.mail_requests_per_hour_per_address,
            self.mail_requests_per_hour_per_account,
        )

    def sessions(self) -> IssuingSessions:
        key = PrivateKey.parse(self.jwt_key)
        tokens = verifier_of(self.jwt_public_keys, key)
        return IssuingSessions(tokens, self.cookie_secure, self.cookie_port, signer=TokenSigner(key))
