"""The API server would take the overlay of production, every object of it."""

from infra.kubernetes.hosts import ROOT
from infra.kubernetes.suite import Suite, Verdict


async def run(suite: Suite) -> Verdict:
    output = await suite.cluster.kubectl(
        "apply", "--dry-run=server", "--kustomize", str(ROOT / "infra" / "k8s" / "overlays" / "prod")
    )
    return Verdict(True, f"{len(output.splitlines())} objects accepted")
