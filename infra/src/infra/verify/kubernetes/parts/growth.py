"""Scaling to three pods of every process: they share the work, and each event has one effect."""

import re
from collections.abc import Mapping

from infra.verify import flows
from infra.verify.faults import expiry
from infra.verify.kubernetes.application import deployment
from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.marketplace import PROCESSES
from infra.verify.kubernetes.suite import Suite, Verdict

REPLICAS = 3
FLOWS = 400
DUE_TOGETHER = 100
CONSUMERS = ("auth", "tickets", "orders", "payments", "expiration")
# Runs inside the pod: these pages answer 404 to a proxy's requests, and also to those of the API server's
# proxy.
TELL = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:3000/metrics').read().decode())"
_ACKED = re.compile(r'^event_deliveries_total\{.*outcome="ack".*\} (\S+)$', re.MULTILINE)


async def run(suite: Suite) -> Verdict:
    await suite.cluster.scale(REPLICAS, *map(deployment, PROCESSES))
    flowed = await flows.run(suite.target, FLOWS, FLOWS, []) == 0
    expired = await expiry.run(suite.target, DUE_TOGETHER, None) == 0
    shared = True
    for consumer in CONSUMERS:
        handled = await _handled(suite.cluster, consumer)
        shared = shared and len(handled) == REPLICAS and min(handled.values()) > 0
        print(f"          {consumer:20} events handled by its pods: {sorted(handled.values())}", flush=True)
    agreement = await suite.agreement()
    await suite.cluster.scale(1, *map(deployment, PROCESSES))
    figures = (
        f"flows {'agree' if flowed else 'LOST'}, expiry {'held' if expired else 'FAILED'}, "
        f"work {'shared' if shared else 'NOT SHARED'}; {agreement.figures}"
    )
    return Verdict(flowed and expired and shared and agreement.held, figures)


async def _handled(cluster: Cluster, app: str) -> Mapping[str, int]:
    """Number of events that each pod has acknowledged."""
    found = {}
    for pod in await cluster.pods(app):
        name = pod["metadata"]["name"]
        found[name] = acked(await cluster.kubectl("exec", name, "--", "python", "-c", TELL))
    return found


def acked(metrics: str) -> int:
    """Number of deliveries that ended with an ack, from Prometheus' text format."""
    return int(sum(float(value) for value in _ACKED.findall(metrics)))
