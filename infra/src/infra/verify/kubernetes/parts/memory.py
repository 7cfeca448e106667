"""Memory of the pods, at rest and during the flows, as the kubelet measures it."""

import asyncio
import json
from collections.abc import Mapping

from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.suite import Suite, Verdict
from infra.verify.kubernetes.traffic import flowing

MEBIBYTE = 1024 * 1024
SAMPLES = 8
KUBELET_SECONDS = 2.5
MOST = 200
"""Limit for one Python process in mebibytes; its limit in the manifest is 256."""


async def run(suite: Suite) -> Verdict:
    idle = await sample(suite.cluster)
    peak: dict[str, float] = {}
    async with flowing(suite.target.edge) as traffic:
        for _ in range(SAMPLES):
            await asyncio.sleep(KUBELET_SECONDS)
            for app, used in (await sample(suite.cluster)).items():
                peak[app] = max(used, peak.get(app, 0.0))
    print(f"          MiB at rest, and at the most under {traffic.answered:,} requests:")
    for app in sorted(idle):
        print(f"          {app:20} {idle[app]:6.0f} {peak[app]:6.0f}")
    processes = {app: used for app, used in peak.items() if not app.endswith(("-mongo", "-redis", "nats"))}
    total = (
        f"{sum(idle.values()):.0f} MiB at rest, {sum(peak.values()):.0f} MiB at the most, {len(idle)} pods"
    )
    return Verdict(max(processes.values()) < MOST and not traffic.failed, total)


async def sample(cluster: Cluster) -> Mapping[str, float]:
    """Working sets in MiB by app; for several pods, the largest."""
    found: dict[str, float] = {}
    apps = await _apps(cluster)
    for node in (await cluster.get("nodes"))["items"]:
        name = node["metadata"]["name"]
        for pod in json.loads(await cluster.raw(f"/api/v1/nodes/{name}/proxy/stats/summary"))["pods"]:
            app = apps.get(pod["podRef"]["name"])
            if pod["podRef"]["namespace"] == cluster.application.namespace and app is not None:
                used = sum(c["memory"].get("workingSetBytes", 0) for c in pod["containers"]) / MEBIBYTE
                found[app] = max(used, found.get(app, 0.0))
    return found


async def _apps(cluster: Cluster) -> Mapping[str, str]:
    pods = (await cluster.get("pods"))["items"]
    return {pod["metadata"]["name"]: pod["metadata"]["labels"]["app"] for pod in pods}
