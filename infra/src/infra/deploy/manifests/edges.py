"""Network edges (caller and target) that the NetworkPolicies allow.

A connection needs both sides: egress and ingress.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from infra.deploy.manifests.rendered import Object, matches, of_kind, pods


class Edge(NamedTuple):
    """Allowed connection.

    `source` and `target` are the pods' `app` label, or the policy's selector outside the namespace.
    """

    source: str
    target: str
    port: int


def leaving(objects: Sequence[Object]) -> set[Edge]:
    """Edges that the egress rules of the sources allow."""
    return {
        Edge(app, peer, port)
        for policy, app in _applying(objects, "Egress")
        for rule in policy["spec"].get("egress", [])
        for peer in _peers(objects, rule.get("to", []))
        for port in _ports(rule)
    }


def entering(objects: Sequence[Object]) -> set[Edge]:
    """Edges that the ingress rules of the targets allow."""
    return {
        Edge(peer, app, port)
        for policy, app in _applying(objects, "Ingress")
        for rule in policy["spec"].get("ingress", [])
        for peer in _peers(objects, rule.get("from", []))
        for port in _ports(rule)
    }


def _applying(objects: Sequence[Object], direction: str) -> Iterator[tuple[Object, str]]:
    for policy in of_kind(objects, "NetworkPolicy"):
        if direction in policy["spec"]["policyTypes"]:
            for app in _apps(objects, policy["spec"]["podSelector"]):
                yield policy, app


def _apps(objects: Sequence[Object], selector: Object) -> set[str]:
    return {pod.labels["app"] for pod in pods(objects) if matches(selector, pod.labels)}


def _peers(objects: Sequence[Object], peers: Sequence[Any]) -> Iterator[str]:
    """Names of the peers. An empty list would mean all peers."""
    if not peers:
        yield "everybody"
    for peer in peers:
        if block := peer.get("ipBlock"):
            yield str(block["cidr"])
        elif namespace := peer.get("namespaceSelector"):
            yield str(namespace["matchLabels"]["kubernetes.io/metadata.name"])
        else:
            yield from _apps(objects, peer["podSelector"])


def _ports(rule: Object) -> Iterator[int]:
    """Ports of the rule. A missing list would mean every port."""
    for port in rule.get("ports", [{"port": 0}]):
        yield int(port["port"])
