"""Settings from the environment. One that is missing or malformed stops the start by its name."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import Url
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.messaging.nats_connection import Identity
from common.messaging.seeds import public_key

S = TypeVar("S", bound=BaseSettings)


def _url(*schemes: str) -> AfterValidator:
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
    if url.scheme not in schemes or not url.host:
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
    if url.path not in (None, "", "/") or url.query or url.fragment or url.username or url.password:
        raise ValueError("not an address without a path")
    return str(url).rstrip("/")


def _seed(text: str) -> str:
    public_key(text)
    return text


MongoUri = Annotated[str, AfterValidator(_mongo_uri)]
NatsUrl = Annotated[str, _url("nats", "tls")]
"""One server, or several with commas between."""
NatsSeed = Annotated[str, AfterValidator(_seed)]
ADMINISTRATOR = "administrator"
"""The broker's user that declares streams, and that an operator's commands are."""
RedisUrl = Annotated[str, _url("redis", "rediss")]
HttpUrl = Annotated[str, _url("http", "https")]
PublicUrl = Annotated[HttpUrl, AfterValidator(_origin)]
"""The site's own address, without a path."""
JwtKey = Annotated[str, Field(min_length=32)]
"""HS256 wants a key of at least 256 bits (RFC 7518, section 3.2)."""


class ServiceSettings(BaseSettings):
    """Settings of every process: its port and its log level."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore")

    host: str = "0.0.0.0"
    port: int = 3000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class SessionSettings(BaseSettings):
    """Settings of a process that reads sessions."""

    jwt_key: JwtKey
    cookie_secure: bool = True
    cookie_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Part of the session cookie's name over plain http: the systems of one machine don't share it."""


class BrokerSettings(BaseSettings):
    """Settings of a process that publishes or receives events."""

    nats_url: NatsUrl
    nats_seed: Annotated[NatsSeed | None, Field(repr=False)] = None
    """Of this process's user of the broker; without it the connection is anonymous."""

    def identity(self, user: str) -> Identity | None:
        return None if self.nats_seed is None else Identity(user, self.nats_seed)


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
