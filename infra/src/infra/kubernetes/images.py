"""The images that overlays/test names, built from this tree and loaded into the cluster."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

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
    """Two side by side; prints seconds, and megabytes over the base's where they can be told."""
    mongo.build()
    first, *others = plan()
    _build(host, *first)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_build, host, *image) for image in others]:
            done.result()


def _build(host: Host, name: str, dockerfile: str) -> None:
    began = time.monotonic()
    host.image(name, dockerfile)
    line = f"          {name:24} {time.monotonic() - began:5.1f} s"
    base, size = host.size(BASE), host.size(name)
    if base is not None and size is not None:
        line += f"  {(size - base) / MEGABYTE:6.1f} MB over its base"
    print(line, flush=True)
