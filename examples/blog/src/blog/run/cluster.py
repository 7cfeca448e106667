"""`python -m blog.run.cluster`: runs the tests of the laptop's blog against a real Kubernetes cluster.

`k8s/overlays/test` is applied as the marketplace's is: see `infra.verify.kubernetes.trial`.
"""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from blog.__main__ import SERVICES
from infra.verify.kubernetes import trial
from infra.verify.kubernetes.application import Application, deployment, stateful_set
from infra.verify.kubernetes.cluster import ROLLOUT_SECONDS, Cluster
from infra.verify.kubernetes.forward import forwarded
from infra.verify.kubernetes.hosts import ROOT
from infra.verify.kubernetes.marketplace import stand_in

FOLDER = ROOT / "examples" / "blog"
BLOG = Application(
    namespace="blog",
    host="posts.com",
    overlay=FOLDER / "k8s" / "overlays" / "test",
    processes=tuple(SERVICES),
    servers=("nats",),
    images=dict([("gittix/blog:test", "examples/blog/Dockerfile"), stand_in("nats")]),
    volumes=("blog-nats",),
)


@dataclass
class OnCluster:
    """A `blog.run.blog.Blog` on a cluster, which replaces a deleted pod."""

    cluster: Cluster
    address: str
    nats: str
    edge: str = f"http://{BLOG.host}"
    _killed: set[str] = field(default_factory=set)

    async def own(self, name: str, path: str) -> Any:
        """By the API server's proxy, which the network policies don't block."""
        service = f"/api/v1/namespaces/{BLOG.namespace}/services/{name}-srv:http/proxy"
        return json.loads(await self.cluster.raw(service + path))

    async def kill(self, name: str) -> None:
        for pod in await self.cluster.pods(name):
            self._killed.add(pod["metadata"]["name"])
            gone = ("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
            await self.cluster.kubectl(*gone)

    async def stop(self, name: str) -> None:
        await self.cluster.scale(0, workload(name))
        await self.cluster.left(name)

    async def start(self, name: str) -> None:
        await self.cluster.scale(1, workload(name))

    async def whole(self) -> None:
        await self.cluster.scale(1, *BLOG.workloads)

    async def ready(self, *names: str) -> None:
        async with asyncio.timeout(ROLLOUT_SECONDS):
            for name in names or SERVICES:
                while not any(map(self._is_ready, await self.cluster.pods(name))):
                    await asyncio.sleep(0.2)

    def _is_ready(self, pod: Mapping[str, Any]) -> bool:
        conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
        return conditions.get("Ready") == "True" and pod["metadata"]["name"] not in self._killed


def workload(name: str) -> str:
    return stateful_set(name) if name in BLOG.servers else deployment(name)


@asynccontextmanager
async def reached() -> AsyncIterator[OnCluster]:
    """The blog that `infra.verify.kubernetes.trial` has deployed and named in the environment."""
    cluster = Cluster(shlex.split(os.environ["KUBECTL"]), BLOG)
    async with forwarded(cluster, {"nats-srv": 4222}) as ports:
        yield OnCluster(cluster, os.environ["EDGE_URL"], f"nats://127.0.0.1:{ports['nats-srv']}")


def main() -> int:
    pytest = (sys.executable, "-m", "pytest", "-q", "-m", "connected", "-p", "no:cacheprovider")
    return trial.run((BLOG, [*pytest, str(FOLDER / "tests")]))


if __name__ == "__main__":
    sys.exit(main())
