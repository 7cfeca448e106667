"""Settings from the environment. One that is missing or malformed stops the start by its name."""

import os
import ssl
import sys
from collections.abc import Sequence
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError, Url
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.http.session import Sessions
from common.http.session_keys import checked_secret, public_keys
from common.http.session_tokens import verifier_of
from common.messaging.nats_connection import Identity
from common.messaging.seeds import public_key
from common.runtime.proxies import check_trusted

S = TypeVar("S", bound=BaseSettings)


def _url(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        _check(text, schemes)
        return text

    return AfterValidator(check)


def _urls(*schemes: str) -> AfterValidator:
    """One URL, or several with commas between."""

    def check(text: str) -> str:
        for one in text.split(","):
            _check(one, schemes)
        return text

    return AfterValidator(check)


def _check(text: str, schemes: Sequence[str]) -> None:
    try:
        url = Url(text)
    except ValidationError:
        raise ValueError("not a URL") from None
    if url.scheme not in schemes or not url.host or "," in url.host:
        raise ValueError(f"not a URL of {' or '.join(schemes)}")


def _mongo_uri(text: str) -> str:
    """Checked as the driver does, but for `mongodb+srv`, where that would ask the network."""
    _check(text.split(",")[0], ("mongodb", "mongodb+srv"))
    if text.startswith("mongodb:"):
        # Only here: not every service has a database, and its driver takes its time to load.
        from common.persistence.mongo import check_uri

        try:
            check_uri(text)
        except ValueError:
            raise ValueError("not a URI that MongoDB's driver takes") from None
    return text


def _origin(text: str) -> str:
    """`scheme://host`, with the port if it is not the scheme's own, as a browser writes an origin."""
    url = Url(text)
    without_path = url.path in (None, "", "/") and url.query is None and url.fragment is None
    if not without_path or url.username or url.password:
        raise ValueError("not an address without a path")
    return str(url).rstrip("/")


def _seed(text: str) -> str:
    public_key(text)
    return text


def _certificates(path: str) -> str:
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except OSError:
            raise ValueError("not a file of certificates") from None
    return path


MongoUri = Annotated[str, AfterValidator(_mongo_uri), Field(repr=False)]
"""With the password of the service's user, as a rule."""
NatsUrl = Annotated[str, _urls("nats", "tls")]
"""One server, or several with commas between."""
NatsSeed = Annotated[str, AfterValidator(_seed)]
ADMINISTRATOR = "administrator"
"""The broker's user that declares streams, and that an operator's commands are."""
RedisUrl = Annotated[str, _url("redis", "rediss"), Field(repr=False)]
HttpUrl = Annotated[str, _url("http", "https")]
PublicUrl = Annotated[HttpUrl, AfterValidator(_origin)]
"""The site's own address, without a path."""


def _public_keys(text: str) -> str:
    public_keys(_present(text))
    return text


def _present(text: str) -> str:
    """Raises the error of a missing setting for an empty one."""
    if not text:
        raise PydanticCustomError("missing", "no key")
    return text


SecretKey = Annotated[str, AfterValidator(_present), AfterValidator(checked_secret), Field(repr=False)]
"""Key of one purpose, of at least 32 characters."""


class ServiceSettings(BaseSettings):
    """Settings of every process: its port and its log level."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore")

    host: str = "0.0.0.0"
    port: int = 3000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class ProxySettings(BaseSettings):
    """Settings of the server of every process that serves HTTP."""

    forwarded_allow_ips: Annotated[str, AfterValidator(check_trusted)] = "127.0.0.1"
    """Proxies whose `X-Forwarded-For` is believed; `*`: all that connect, of which none is a client."""
    forwarded_hops: Annotated[int, Field(ge=1, le=5)] = 1
    """With `*`: proxies that a request passes."""


class CookieSettings(BaseSettings):
    """Settings of a process that sets or reads cookies."""

    cookie_secure: bool = True
    cookie_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Part of the session cookie's name over plain http: the systems of one machine don't share it."""


class SessionSettings(CookieSettings):
    """Settings of a process that reads sessions, and begins none."""

    jwt_public_keys: Annotated[str, AfterValidator(_public_keys)]
    """Public keys of the service that signs, with commas between: `common.http.session_keys`."""

    def sessions(self) -> Sessions:
        tokens = verifier_of(self.jwt_public_keys)
        return Sessions(tokens, self.cookie_secure, self.cookie_port)


class BrokerSettings(BaseSettings):
    """Settings of a process that publishes or receives events."""

    nats_url: NatsUrl
    nats_seed: Annotated[NatsSeed | None, Field(repr=False)] = None
    """Of this process's user of the broker; without it the connection is anonymous."""
    nats_ca: Annotated[str, AfterValidator(_certificates)] = ""
    """File with the CA of a broker at `tls://…`, for a process with a seed; "": those of the machine."""

    def identity(self, user: str) -> Identity | None:
        return None if self.nats_seed is None else Identity(user, self.nats_seed, self.nats_ca)


class StreamSettings(BrokerSettings):
    """Settings of the administrator's job that declares the streams."""

    nats_stream_replicas: Annotated[int, Field(ge=1, le=5)] = 1
    """How many servers of a NATS cluster keep each event; a stream that has more keeps them."""
    nats_stream_max_bytes: Annotated[int, Field(ge=1_000_000)] | None = None
    """Bound of the event store: below the servers' volume, with an eighth more for the dead letters."""


def load(settings: type[S]) -> S:
    """The settings of this process, or its end: exit code 1 and one line that names the variables.

    Where SETTINGS_HINT is set, the line ends with it: what to do about it in this environment.
    """
    try:
        return settings()
    except ValidationError as error:
        _stop(error)


def _stop(error: ValidationError) -> NoReturn:
    problems = ", ".join(
        f"{str(e['loc'][0] if e['loc'] else '').upper()} "
        f"({'missing' if e['type'] == 'missing' else e['msg']})"
        for e in error.errors(include_input=False)
    )
    hint = os.environ.get("SETTINGS_HINT", "")
    sys.stderr.write(f"Cannot start: set {problems}{hint and f'. {hint}'}\n")
    raise SystemExit(1)
