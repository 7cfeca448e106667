"""What is deployed on the cluster and tried there: its manifests by name, and what they are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Application:
    """`host` is the page's; `processes` are Deployments, `servers` StatefulSets, without their suffixes."""

    namespace: str
    host: str
    overlay: Path
    processes: tuple[str, ...]
    servers: tuple[str, ...]
    images: Mapping[str, str]
    """The Dockerfile of each, below the repo's root."""
    volumes: tuple[str, ...]
    """Folders of the node, below `hosts.VOLUMES`, that its overlay keeps data in."""
    secrets: Path | None = None
    """The script that creates them, and the namespace."""

    @property
    def workloads(self) -> tuple[str, ...]:
        return (*map(stateful_set, self.servers), *map(deployment, self.processes))


def deployment(process: str) -> str:
    return f"deployment/{process}-depl"


def stateful_set(server: str) -> str:
    return f"statefulset/{server}"
