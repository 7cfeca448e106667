"""Application to deploy and test on the cluster: its manifests by name, and the sources of its images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Application:
    """Application under test.

    `host` is the page's host name; `processes` are Deployments and `servers` StatefulSets, without the
    suffixes of their names.
    """

    namespace: str
    host: str
    overlay: Path
    processes: tuple[str, ...]
    servers: tuple[str, ...]
    images: Mapping[str, str]
    """Path of each image's Dockerfile, below the root of its sources."""
    volumes: tuple[str, ...]
    """Folders of the node, below `hosts.VOLUMES`, that hold the overlay's data."""
    trees: Mapping[str, Path] = field(default_factory=dict)
    """Root of an image's sources, where it is not this repo's."""
    secrets: Path | None = None
    """Script that creates the secrets and the namespace."""

    @property
    def workloads(self) -> tuple[str, ...]:
        return (*map(stateful_set, self.servers), *map(deployment, self.processes))


def deployment(process: str) -> str:
    return f"deployment/{process}-depl"


def stateful_set(server: str) -> str:
    return f"statefulset/{server}"
