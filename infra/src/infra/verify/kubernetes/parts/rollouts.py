"""Rolling restarts of every Deployment under traffic: no request fails."""

import time

from infra.verify.kubernetes.application import deployment
from infra.verify.kubernetes.marketplace import PROCESSES
from infra.verify.kubernetes.suite import Suite, Verdict
from infra.verify.kubernetes.traffic import flowing, worst

REQUESTS = 5_000
"""Minimum of requests for each Deployment, all of them while pods stop and start."""


async def run(suite: Suite) -> Verdict:
    failed = answered = 0
    for process in PROCESSES:
        restarts, began = 0, time.monotonic()
        async with flowing(suite.target.edge) as traffic:
            while traffic.answered + traffic.failed < REQUESTS:
                await suite.cluster.kubectl("rollout", "restart", deployment(process))
                await suite.cluster.rolled_out(deployment(process))
                await suite.cluster.left(process)
                restarts += 1
        print(
            f"          {process:20} restarted {restarts} times in {time.monotonic() - began:4.1f} s, "
            f"{traffic.answered:6,} requests answered, {traffic.failed} failed{worst(traffic.failures)}",
            flush=True,
        )
        failed, answered = failed + traffic.failed, answered + traffic.answered
    agreement = await suite.agreement()
    figures = f"{answered:,} requests, {failed} failed; {agreement.figures}"
    return Verdict(not failed and agreement.held, figures)
