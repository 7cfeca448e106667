"""Resources of every part of the test: the cluster, the edge, and the addresses behind the edge."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from infra.deploy import broker_users, redis_user
from infra.dev import seeds
from infra.dev.config import write_private
from infra.dev.passwords import REDIS
from infra.dev.ports import DATABASES
from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.forward import forwarded
from infra.verify.reconcile import addresses
from infra.verify.reconcile.view import OUT_OF_REACH, opened, settled
from infra.verify.target import Target

BEHIND = {
    **{f"{name}-mongo-srv": 27017 for name in DATABASES},
    "nats-srv": 4222,
    "expiration-redis-srv": 6379,
}
Passwords: TypeAlias = Mapping[str, str]
"""Of each database's user by the database's name, and of the user of Redis."""

SETTLE_SECONDS = 60.0
AGREEMENT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a part passed, and its figures in words."""

    held: bool
    figures: str


@dataclass(frozen=True, slots=True)
class Suite:
    cluster: Cluster
    target: Target

    async def agreement(self) -> Verdict:
        """Whether the services agree with each other, once no work is left."""
        async with asyncio.timeout(AGREEMENT_SECONDS):
            while True:
                # The forwarder notices the end of its pod only when the port is used.
                with suppress(*OUT_OF_REACH):
                    return await self._compared()
                await asyncio.sleep(1)

    async def _compared(self) -> Verdict:
        async with opened(addresses.of_record(self.target.record)) as view:
            report, took = await settled(view, SETTLE_SECONDS)
            dead = await view.dead_letters()
        for line in report.details().splitlines():
            print(f"          {line}")
        figures = f"{report.summary()} after {took:.1f} s, {dead} dead letters"
        return Verdict(report.is_clean and not dead, figures)


@asynccontextmanager
async def reached(cluster: Cluster, edge: str, record: Path) -> AsyncIterator[Suite]:
    """Connect to the application.

    `record` has the format of the local runner's record, so that every command finds the system.
    """
    async with forwarded(cluster, BEHIND) as ports:
        found = urls(edge, ports, await _passwords(cluster), await _copy_ca(cluster, record.parent))
        write_private(record, json.dumps({"processes": {}, "ports": {}, "urls": found}))
        await _copy_seeds(cluster, record.parent)
        yield Suite(cluster, Target(edge, record))


async def _copy_seeds(cluster: Cluster, folder: Path) -> None:
    """The seeds of the broker's users, where the commands look for those of a local system."""
    secrets = {user: await cluster.get("secret", f"nats-{user}") for user in broker_users.names()}
    found = {user: _value(secret, "NATS_SEED") for user, secret in secrets.items()}
    seeds.write(folder, found)


async def _copy_ca(cluster: Cluster, folder: Path) -> Path | None:
    """The CA of the servers' certificates, where they have TLS."""
    found = await cluster.kubectl("get", "configmap", "internal-ca", "--ignore-not-found", "--output=json")
    if not found:
        return None
    ca = folder / seeds.CA
    ca.write_text(json.loads(found)["data"][ca.name])
    return ca


async def _passwords(cluster: Cluster) -> Passwords:
    """Those of the databases' users."""
    mongo = {name: await cluster.get("secret", f"mongo-{name}") for name in DATABASES}
    found = {name: _value(secret, f"MONGO_{name.upper()}_PASSWORD") for name, secret in mongo.items()}
    return found | {REDIS: _value(await cluster.get("secret", "redis-expiration"), "REDIS_PASSWORD")}


def _value(secret: Mapping[str, Any], key: str) -> str:
    return b64decode(secret["data"][key]).decode()


def urls(edge: str, ports: Mapping[str, int], passwords: Passwords, ca: Path | None = None) -> dict[str, str]:
    """Addresses of the application's parts, those of databases with their users.

    ca: Of the servers' certificates, which name `localhost`; None for servers without TLS.
    """
    here = {name: f"localhost:{port}" for name, port in ports.items()}
    of_mongo = "" if ca is None else f"&tls=true&tlsCAFile={ca}"
    redis = "redis" if ca is None else "rediss"
    of_redis = "" if ca is None else f"?ssl_ca_certs={ca}&ssl_check_hostname=true"

    def mongo(name: str) -> str:
        user = f"{name}:{passwords[name]}"
        return f"mongodb://{user}@{here[f'{name}-mongo-srv']}/{name}?directConnection=true{of_mongo}"

    return {
        "edge": edge,
        # Through the edge, which shares the work among the pods; a forwarded port leads to only one of them.
        "orders": edge,
        "nats": f"{'nats' if ca is None else 'tls'}://{here['nats-srv']}",
        "redis": f"{redis}://{redis_user.USER}:{passwords[REDIS]}@{here['expiration-redis-srv']}/0{of_redis}",
        **{f"mongo_{name}": mongo(name) for name in DATABASES},
    }
