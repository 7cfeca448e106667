"""Users of the runner's own broker: their private keys, and the server's file with their public ones."""

import json
from collections.abc import Mapping
from pathlib import Path

from common.messaging.nats_connection import Identity
from common.messaging.seeds import new_seed, public_key
from common.runtime.settings import ADMINISTRATOR
from infra.deploy import broker_users
from infra.dev.config import write_private

Seeds = Mapping[str, str]
"""Private key of each of the broker's users, by name. Empty for a broker without users."""
USERS_CONF = "users.conf"
CA = "ca.crt"
"""File of a folder whose broker has TLS: the CA of its certificate."""


def seeds(data_dir: Path) -> Seeds:
    """Those of this data folder: made at the first run, readable by their owner only, then reused."""
    path = _file(data_dir)
    known = json.loads(path.read_text()) if path.exists() else {}
    if missing := [user for user in broker_users.names() if user not in known]:
        known |= {user: new_seed() for user in missing}
        write(data_dir, known)
    return dict(known)


def write(data_dir: Path, own: Seeds) -> None:
    write_private(_file(data_dir), json.dumps(own, indent=2))


def identity(data_dir: Path, user: str = ADMINISTRATOR) -> Identity | None:
    """A user of the system that runs on this data folder; None where its broker has no users."""
    path, ca = _file(data_dir), data_dir / CA
    if not path.exists():
        return None
    return Identity(user, json.loads(path.read_text())[user], str(ca) if ca.exists() else "")


def _file(data_dir: Path) -> Path:
    return data_dir / "nats.seeds"


def write_users(folder: Path, own: Seeds) -> None:
    """Writes the server's file of users, with their public keys."""
    keys = {user: public_key(seed) for user, seed in own.items()}
    (folder / USERS_CONF).write_text(broker_users.with_keys(keys))
