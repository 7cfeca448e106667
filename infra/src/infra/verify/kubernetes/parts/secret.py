"""Missing secret: the new pod's status names the command to run, and the old pod continues to serve."""

import asyncio
import json
from typing import Any

from infra.verify.kubernetes.application import deployment
from infra.verify.kubernetes.suite import Suite, Verdict
from infra.verify.kubernetes.traffic import flowing, worst

SECRET = "jwt-secret"
SAID = "Cannot start: set JWT_KEY (missing)"
COMMAND = "make k8s-secrets"
AUTH = deployment("auth")


async def run(suite: Suite) -> Verdict:
    cluster = suite.cluster
    kept = await cluster.get("secret", SECRET)
    metadata = {"name": SECRET, "labels": kept["metadata"].get("labels", {})}
    async with flowing(suite.target.edge, width=4) as traffic:
        await cluster.kubectl("delete", "secret", SECRET)
        try:
            await cluster.kubectl("rollout", "restart", AUTH)
            async with asyncio.timeout(60):
                while not (said := reason(await cluster.pods("auth"))):
                    await asyncio.sleep(0.5)
        finally:
            await cluster.kubectl("create", "--filename=-", stdin=json.dumps({**kept, "metadata": metadata}))
            await cluster.kubectl("rollout", "restart", AUTH)
        await cluster.rolled_out(AUTH)
    served = f"meanwhile {traffic.answered:,} requests, {traffic.failed} failed{worst(traffic.failures)}"
    figures = f"the pod's status: {said!r}; {served}"
    return Verdict(SAID in said and COMMAND in said and not traffic.failed, figures)


def reason(pods: Any) -> str:
    """Termination message of a container of these pods."""
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses", ()):
            for state in (container.get("state", {}), container.get("lastState", {})):
                message = state.get("terminated", {}).get("message", "")
                if message:
                    return str(message).strip()
    return ""
