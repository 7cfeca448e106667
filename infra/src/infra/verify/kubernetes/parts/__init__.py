"""Parts of the cluster test, each with a verdict and its figures."""

from collections.abc import Awaitable, Callable, Mapping

from infra.verify.kubernetes.parts import (
    deletions,
    growth,
    memory,
    outage,
    policies,
    primaries,
    production,
    rollouts,
    secret,
    versions,
    whole,
)
from infra.verify.kubernetes.suite import Suite, Verdict

PARTS: Mapping[str, Callable[[Suite], Awaitable[Verdict]]] = {
    "system": whole.system,
    "flows": whole.headline,
    "memory": memory.run,
    "policies": policies.run,
    "rollouts": rollouts.run,
    "deletions": deletions.run,
    "growth": growth.run,
    "outage": outage.run,
    "production": production.run,
    "secret": secret.run,
    "versions": versions.run,
    "primaries": primaries.run,
}
OF_REPLICA_SETS = ("primaries",)
"""The parts that need `marketplace.ON_REPLICA_SETS`."""
OF_TWO_VERSIONS = "versions"
"""The part that needs the images of `marketplace.with_release`."""
