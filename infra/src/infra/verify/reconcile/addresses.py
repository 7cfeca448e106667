"""Addresses of the compared system: the named databases, else the local system that runs.

Never starts a system.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from common.messaging.nats_connection import Identity
from common.runtime.settings import ADMINISTRATOR
from infra.dev import seeds

VARIABLES = {
    "tickets": "TICKETS_MONGO_URI",
    "orders": "ORDERS_MONGO_URI",
    "payments": "PAYMENTS_MONGO_URI",
    "redis": "REDIS_URL",
    "nats": "NATS_URL",
}
DATABASES = ("tickets", "orders", "payments")


class NotFound(Exception):
    """Missing address or system, in one line."""


@dataclass(frozen=True, slots=True)
class Addresses:
    databases: Mapping[str, str]
    redis: str | None = None
    nats: str | None = None
    identity: Identity | None = None
    """The broker's administrator, where it has users."""


def find(options: Mapping[str, str | None], env: Mapping[str, str] = os.environ) -> Addresses:
    """Find the addresses.

    Raises NotFound. If one database is named, all three are required; Redis and NATS are optional.
    """
    named = {name: options.get(name) or env.get(variable) or None for name, variable in VARIABLES.items()}
    if any(named[name] for name in DATABASES):
        missing = [VARIABLES[name] for name in DATABASES if not named[name]]
        if missing:
            raise NotFound(f"{', '.join(missing)} must be named too")
        databases = {name: str(named[name]) for name in DATABASES}
        seed = env.get("NATS_SEED")
        identity = Identity(ADMINISTRATOR, seed) if seed else None
        return Addresses(databases, named["redis"], named["nats"], identity)
    record = Path(env.get("RUN_JSON") or Path(env.get("DATA_DIR") or ".data") / "run.json")
    if not record.exists():
        raise NotFound("No system runs here: start one with `make run`, or name databases (--help)")
    return of_record(record)


def of_record(record: Path) -> Addresses:
    urls: Mapping[str, str] = json.loads(record.read_text())["urls"]
    databases = {name: urls[f"mongo_{name}"] for name in DATABASES}
    return Addresses(databases, urls.get("redis"), urls.get("nats"), seeds.identity(record.parent))
