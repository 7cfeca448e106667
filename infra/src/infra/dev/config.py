"""Configuration of a local run, from environment variables."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from common.persistence.replica_set import NAME
from common.persistence.users import with_credentials
from infra.deploy import redis_user
from infra.dev import ports as port_plan
from infra.dev.ports import Ports


@dataclass(frozen=True)
class Config:
    """Configuration of one run. A URL that is None means that the run starts that server itself."""

    data_dir: Path
    ports: Ports
    mongo_uri: str | None = None
    nats_url: str | None = None
    redis_url: str | None = None
    mail_url: str | None = field(default=None, repr=False)
    passed_on: Mapping[str, str] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the users of the run's own databases (`passwords.py`); empty: those have no users."""
    stream_bytes: int | None = None
    """Bound of the event store (NATS_STREAM_MAX_BYTES); None: what the disk has."""
    for_people: bool | None = None
    """Output in words (LOG_FORMAT=text) or as JSON (json); None: in words on a terminal."""

    @property
    def edge_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['edge']}"

    @property
    def own_servers(self) -> list[str]:
        """Servers that this run starts itself."""
        elsewhere = {"nats": self.nats_url, "redis": self.redis_url, "mongo": self.mongo_uri}
        return [name for name in port_plan.SERVERS if elsewhere[name] is None]

    @property
    def used_ports(self) -> list[str]:
        mail = port_plan.MAIL if self.has_mailbox else ()
        return ["edge", *port_plan.SERVICES, *self.own_servers, *mail]

    @property
    def has_mailbox(self) -> bool:
        """Whether mails stay on this machine, in the run's own mailbox."""
        return self.mail_url is None

    def mail(self) -> str:
        return self.mail_url or f"smtp://127.0.0.1:{self.ports['mail']}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['mailbox']}"

    def nats(self) -> str:
        return self.nats_url or f"nats://127.0.0.1:{self.ports['nats']}"

    def redis(self) -> str:
        password = self.passwords.get("redis")
        user = f"{redis_user.USER}:{password}@" if password else ""
        return self.redis_url or f"redis://{user}127.0.0.1:{self.ports['redis']}/0"

    def mongo(self, database: str) -> str:
        if self.mongo_uri:
            return with_database(self.mongo_uri, database)
        own = with_database(mongo_of_one(self.ports["mongo"]), database)
        return with_credentials(own, database, self.passwords[database]) if self.passwords else own


def from_env(env: Mapping[str, str]) -> Config:
    edge = env.get("EDGE_PORT", "8080")
    if not edge.isdecimal():
        raise SystemExit(f"EDGE_PORT={edge} is not a port number")
    return Config(
        data_dir=Path(env.get("DATA_DIR") or ".data").absolute(),
        ports=port_plan.from_edge(int(edge)),
        mongo_uri=env.get("MONGO_URI") or None,
        nats_url=env.get("NATS_URL") or None,
        redis_url=env.get("REDIS_URL") or None,
        mail_url=env.get("MAIL_URL") or None,
        passed_on=dict(env),
        stream_bytes=_stream_bytes(env.get("NATS_STREAM_MAX_BYTES", "")),
        for_people=_for_people(env.get("LOG_FORMAT", "")),
    )


def _stream_bytes(text: str) -> int | None:
    if text and not text.isdecimal():
        raise SystemExit(f"NATS_STREAM_MAX_BYTES={text} is not a number of bytes")
    return int(text) if text else None


def _for_people(log_format: str) -> bool | None:
    if log_format not in {"", "text", "json"}:
        raise SystemExit(f"LOG_FORMAT={log_format} is neither text nor json")
    return {"": None, "text": True, "json": False}[log_format]


def mongo_of_one(port: int) -> str:
    """Address of the runner's own MongoDB.

    A write is confirmed once it is in the journal, as in production.
    """
    return f"mongodb://127.0.0.1:{port}/?replicaSet={NAME}&w=majority&journal=true"


def private(folder: Path) -> Path:
    """Create the folder if it is absent, with access for its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def private_data(folder: Path) -> Path:
    """Create the data folder if it is absent, and give access to its owner only.

    A folder that others may write to, such as /tmp, stays as it is: it was not made for this.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder if folder.stat().st_mode & stat.S_IWOTH else private(folder)


def with_database(uri: str, database: str) -> str:
    """The MongoDB address with this database. The authentication database of the address stays the same."""
    parts = urlsplit(uri)
    named = parts.path.strip("/")
    query = parts.query
    if named and "@" in parts.netloc and "authSource" not in parse_qs(query):
        query = "&".join(filter(None, [query, f"authSource={quote(named, safe='')}"]))
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", query, ""))


def write_private(path: Path, text: str) -> None:
    """Write the file, whole or not at all, readable by its owner only."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(path)
