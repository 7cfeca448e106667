"""The images that overlays/test names, built from this tree and loaded into the cluster."""

import time
from collections.abc import Sequence

from infra.kubernetes.cluster import SERVICES
from infra.kubernetes.hosts import BASE, Host
from infra.local import mongo

STAND_INS = ("nats", "redis", "mongo")
MEGABYTE = 1_000_000


def plan() -> Sequence[tuple[str, str]]:
    """Name and Dockerfile of each."""
    own = [(f"gittix/{name}:test", f"{name}/Dockerfile") for name in SERVICES]
    folder = "infra/k8s/overlays/test/images"
    return [*own, *((f"gittix-test/{name}:test", f"{folder}/{name}/Dockerfile") for name in STAND_INS)]


def build(host: Host) -> None:
    """One after another; prints seconds, and megabytes over the base's where they can be told."""
    mongo.build()
    for name, dockerfile in plan():
        began = time.monotonic()
        host.image(name, dockerfile)
        line = f"          {name:24} {time.monotonic() - began:5.1f} s"
        base, size = host.size(BASE), host.size(name)
        if base is not None and size is not None:
            line += f"  {(size - base) / MEGABYTE:6.1f} MB over its base"
        print(line, flush=True)
