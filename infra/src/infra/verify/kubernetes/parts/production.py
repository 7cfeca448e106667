"""Validation of production's overlay by the API server: every object of it, in a new namespace.

Objects of the test's namespace can't become production's: a volume grows, a Service becomes headless.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from infra.verify.kubernetes.hosts import ROOT
from infra.verify.kubernetes.suite import Suite, Verdict

NEW = "gittix-production-dry-run"


async def run(suite: Suite) -> Verdict:
    cluster = suite.cluster
    rendered = await cluster.kubectl("kustomize", str(ROOT / "infra" / "k8s" / "overlays" / "prod"))
    namespace, others = moved(yaml.safe_load_all(rendered))
    here = f"--namespace={NEW}"
    await cluster.kubectl("apply", here, "--filename=-", stdin=json.dumps(namespace))
    try:
        output = await cluster.kubectl(
            "apply", here, "--dry-run=server", "--filename=-", stdin=json.dumps(others)
        )
    finally:
        await cluster.kubectl("delete", "namespace", NEW)
    return Verdict(True, f"{len(output.splitlines()) + 1} objects accepted")


def moved(objects: Iterable[Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The namespace, and the list of the other objects, moved to the new namespace."""
    items = list(objects)
    (namespace,) = (item for item in items if item["kind"] == "Namespace")
    namespace["metadata"]["name"] = NEW
    items.remove(namespace)
    for item in items:
        item["metadata"]["namespace"] = NEW
    return namespace, {"apiVersion": "v1", "kind": "List", "items": items}
