"""Rollouts and a rollback between the last release's images and today's, of every Deployment, under traffic.

Each process has two pods, so both versions serve side by side until the rollout ends. No request fails, and
all data agrees at the end.
"""

import asyncio
import time

from infra.verify.kubernetes.application import deployment
from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.marketplace import PROCESSES, RELEASE, TODAY, WORKER
from infra.verify.kubernetes.suite import Suite, Verdict
from infra.verify.kubernetes.traffic import flowing, worst

REPLICAS = 2
WALKS = (TODAY, RELEASE, TODAY)
"""Tags in turn; the first state, before the traffic, is the release."""
DWELL_SECONDS = 5.0
"""Traffic while every pod has the same version."""
WIDTH = 8


async def run(suite: Suite) -> Verdict:
    cluster = suite.cluster
    await cluster.scale(REPLICAS, *map(deployment, PROCESSES))
    await move(cluster, RELEASE)
    async with flowing(suite.target.edge, width=WIDTH) as traffic:
        for tag in WALKS:
            await asyncio.sleep(DWELL_SECONDS)
            answered, failed, began = traffic.answered, traffic.failed, time.monotonic()
            await move(cluster, tag)
            print(
                f"          to {tag:8} in {time.monotonic() - began:5.1f} s, "
                f"{traffic.answered - answered:6,} requests answered, {traffic.failed - failed} failed",
                flush=True,
            )
        await asyncio.sleep(DWELL_SECONDS)
    await cluster.scale(1, *map(deployment, PROCESSES))
    agreement = await suite.agreement()
    failures = f"{traffic.failed} failed{worst(traffic.failures)}"
    figures = f"{traffic.answered:,} requests, {failures}; {agreement.figures}"
    return Verdict(not traffic.failed and agreement.held, figures)


async def move(cluster: Cluster, tag: str) -> None:
    """Roll out the images with this tag to all Deployments at the same time."""
    for process in PROCESSES:
        await cluster.kubectl("set", "image", deployment(process), f"process={image(process, tag)}")
    await cluster.rolled_out(*map(deployment, PROCESSES))
    await asyncio.gather(*map(cluster.left, PROCESSES))


def image(process: str, tag: str) -> str:
    """Image of the process; the worker runs from the image of `expiration`."""
    return f"gittix/{'expiration' if process == WORKER else process}:{tag}"
