"""An application's images, built from this tree and loaded into the cluster."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.verify.kubernetes.hosts import BASE, ROOT, Host

MEGABYTE = 1_000_000


def build(host: Host, dockerfiles: Mapping[str, str], trees: Mapping[str, Path]) -> None:
    """Build the named images from their Dockerfiles, two in parallel, by default from this repo's sources.

    Prints seconds, and the megabytes added to the base image if they are known.
    """
    first, *others = ((name, file, trees.get(name, ROOT)) for name, file in dockerfiles.items())
    _build(host, *first)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_build, host, *image) for image in others]:
            done.result()


def _build(host: Host, name: str, dockerfile: str, tree: Path) -> None:
    began = time.monotonic()
    host.image(name, dockerfile, tree)
    line = f"          {name:24} {time.monotonic() - began:5.1f} s"
    base, size = host.size(BASE), host.size(name)
    if base is not None and size is not None:
        line += f"  {(size - base) / MEGABYTE:6.1f} MB over its base"
    print(line, flush=True)
