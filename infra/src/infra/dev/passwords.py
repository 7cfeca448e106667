"""Passwords of the users of the runner's own databases, kept in its data folder."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from infra.dev.config import Config, write_private
from infra.dev.ports import DATABASES

MONGO_KEY = "mongo-key"
"""Content of mongod's keyFile, which is also the identity of the servers' administrator."""
REDIS = "redis"


def with_users(config: Config) -> Config:
    """Add users to the databases that the run starts itself; others are used as they are."""
    return replace(config, passwords=kept(config.data_dir))


def kept(data_dir: Path) -> Mapping[str, str]:
    """Those of this data folder: made at the first run with users, readable by their owner only, then reused.

    Data that an earlier release stored without users stays as it is.
    """
    path = data_dir / "databases.passwords"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if missing := [name for name in (MONGO_KEY, REDIS, *DATABASES) if name not in known]:
        # Letters and digits: a keyFile holds base64.
        known |= {name: secrets.token_hex(32) for name in missing}
        write_private(path, json.dumps(known, indent=2))
    return known
