"""The marketplace as an application of the cluster test: infra/k8s/overlays/test."""

from dataclasses import replace
from pathlib import Path

from infra.dev.ports import DATABASES
from infra.verify.kubernetes.application import Application
from infra.verify.kubernetes.hosts import ROOT

SERVICES = ("auth", "tickets", "orders", "payments", "expiration", "client")
WORKER = "expiration-worker"
PROCESSES = (*SERVICES, WORKER)
SERVERS = ("nats", "expiration-redis", "auth-mongo", "tickets-mongo", "orders-mongo", "payments-mongo")
SETS = ("nats", *(f"{database}-mongo" for database in DATABASES))
MEMBERS = 3
"""Servers of each of `SETS` in production."""
STAND_INS = ("nats", "redis", "mongo")
K8S = ROOT / "infra" / "k8s"
TODAY, RELEASE = "test", "release"
"""Tags of the images: of this tree, and of the last release."""


def stand_in(name: str) -> tuple[str, str]:
    """Name and Dockerfile of a substitute for an official image that can't be pulled."""
    return f"gittix-test/{name}:test", f"infra/k8s/overlays/test/images/{name}/Dockerfile"


MARKETPLACE = Application(
    namespace="gittix",
    host="ticketing.dev",
    overlay=K8S / "overlays" / "test",
    processes=PROCESSES,
    servers=SERVERS,
    images={f"gittix/{name}:{TODAY}": f"{name}/Dockerfile" for name in SERVICES}
    | dict(map(stand_in, STAND_INS)),
    volumes=SERVERS,
    secrets=K8S / "secrets.sh",
)

# The folder of a set's first server is the folder of the single server above.
ON_REPLICA_SETS = replace(
    MARKETPLACE,
    overlay=K8S / "overlays" / "test-sets",
    volumes=(
        *SERVERS,
        *(f"{server}-{member}" for server in SETS for member in range(1, MEMBERS)),
    ),
    secrets=Path(__file__).with_name("secrets_of_sets.sh"),
)


def with_release(tree: Path) -> Application:
    """The marketplace, with the images of the last release beside today's; `tree` holds its sources."""
    dockerfiles = {f"gittix/{name}:{RELEASE}": f"{name}/Dockerfile" for name in SERVICES}
    return replace(
        MARKETPLACE,
        images={**MARKETPLACE.images, **dockerfiles},
        trees=dict.fromkeys(dockerfiles, tree),
    )
