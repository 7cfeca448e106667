"""Deletion of pods of each kind, one after another, under traffic: no data is lost.

A process has two pods, as in production: no request may fail either. A server has one pod here, so requests
that need it fail while it is away; production has three pods of each server.
"""

import time
from collections import Counter

from infra.verify.kubernetes.application import deployment, stateful_set
from infra.verify.kubernetes.marketplace import PROCESSES, SERVERS
from infra.verify.kubernetes.suite import Suite, Verdict
from infra.verify.kubernetes.traffic import Traffic, flowing, worst


async def run(suite: Suite) -> Verdict:
    await suite.cluster.scale(2, *map(deployment, PROCESSES))
    async with flowing(suite.target.edge) as traffic:
        for process in PROCESSES:
            await _delete(suite, process, deployment(process), traffic)
        of_processes = traffic.failed
        for server in SERVERS:
            await _delete(suite, server, stateful_set(server), traffic)
    await suite.cluster.scale(1, *map(deployment, PROCESSES))
    agreement = await suite.agreement()
    figures = (
        f"{traffic.answered:,} requests answered; failed: {of_processes} while processes went, "
        f"{traffic.failed - of_processes} while servers did; {agreement.figures}"
    )
    return Verdict(agreement.held and not of_processes, figures)


async def _delete(suite: Suite, app: str, owner: str, traffic: Traffic) -> None:
    before, began = Counter(traffic.failures), time.monotonic()
    pod = (await suite.cluster.pods(app))[0]["metadata"]["name"]
    # `kubectl delete` returns once the pod is gone.
    await suite.cluster.kubectl("delete", "pod", pod)
    await suite.cluster.rolled_out(owner)
    took = time.monotonic() - began
    failures = traffic.failures - before
    print(
        f"          {app:20} gone and replaced in {took:4.1f} s, {failures.total()} failed{worst(failures)}",
        flush=True,
    )
