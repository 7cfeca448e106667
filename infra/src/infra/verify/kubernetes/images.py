"""An application's images, built from this tree and loaded into the cluster."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from infra.verify.kubernetes.hosts import BASE, Host

MEGABYTE = 1_000_000


def build(host: Host, dockerfiles: Mapping[str, str]) -> None:
    """Build the named images from their Dockerfiles, two in parallel.

    Prints seconds, and the megabytes added to the base image if they are known.
    """
    first, *others = dockerfiles.items()
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
