"""Rendered overlays: their objects, the pods of their workloads, and the pods' environment."""

import re
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Object: TypeAlias = Mapping[str, Any]

REPO = Path(__file__).parents[5]
K8S = REPO / "infra" / "k8s"
BLOG_K8S = REPO / "examples" / "blog" / "k8s"
OVERLAYS = ("dev", "test", "test-sets", "prod")
"""Overlays of the marketplace."""
FOLDERS = {name: K8S / "overlays" / name for name in OVERLAYS} | {
    f"blog-{name}": BLOG_K8S / "overlays" / name for name in ("dev", "test")
}
EVERY_OVERLAY = tuple(FOLDERS)
SERVICES = ("auth", "tickets", "orders", "payments", "expiration", "client")
SHIPPED = (*SERVICES, "examples/blog")
"""Folders that images are built from: each holds one package of the folder's name."""
VARIABLE = re.compile(r"\$\((\w+)\)")
WORKLOADS = ("Deployment", "StatefulSet", "Job")
MAILBOX = "mailpit"
"""App of the overlay dev alone, which may end at any time: it is none of the marketplace's."""


@cache
def kustomized(folder: Path) -> tuple[Object, ...]:
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.load_all(done.stdout, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def overlay(name: str) -> tuple[Object, ...]:
    return kustomized(FOLDERS[name])


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def named(objects: Sequence[Object], kind: str, name: str) -> Object:
    (found,) = (one for one in of_kind(objects, kind) if one["metadata"]["name"] == name)
    return found


def name_of(one: Object) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


@dataclass(frozen=True)
class Pod:
    """Pod of a workload."""

    owner: Object

    @property
    def name(self) -> str:
        return name_of(self.owner)

    @property
    def spec(self) -> Any:
        return self.owner["spec"]["template"]["spec"]

    @property
    def labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = self.owner["spec"]["template"]["metadata"]["labels"]
        return labels

    @property
    def containers(self) -> list[Any]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def main(self) -> Any:
        (container,) = self.spec["containers"]
        return container


def every_pod(objects: Sequence[Object]) -> list[Pod]:
    return [Pod(one) for one in of_kind(objects, *WORKLOADS)]


def pods(objects: Sequence[Object]) -> list[Pod]:
    """Of the marketplace's own workloads."""
    return [one for one in every_pod(objects) if one.labels["app"] != MAILBOX]


def pod(objects: Sequence[Object], app: str) -> Pod:
    (found,) = (one for one in pods(objects) if one.labels["app"] == app)
    return found


def environment(objects: Sequence[Object], of: Pod) -> dict[str, str | None]:
    """Environment variables of the main container by name; None for a value from a secret.

    A variable in a value is replaced as Kubernetes does it, by a value from above it in the list; one from a
    secret stays `$(NAME)`.
    """
    environment_of: dict[str, str | None] = {}
    for source in of.main.get("envFrom", []):
        environment_of |= named(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    above: dict[str, str | None] = {}
    for one in of.main.get("env", []):
        above[one["name"]] = _value(objects, one, above)
    return environment_of | above


def _value(objects: Sequence[Object], variable: Any, above: Mapping[str, str | None]) -> str | None:
    if reference := variable.get("valueFrom", {}).get("configMapKeyRef"):
        setting: str = named(objects, "ConfigMap", reference["name"])["data"][reference["key"]]
        return setting
    value: str | None = variable.get("value")
    return value and VARIABLE.sub(lambda found: above[found[1]] or found[0], value)


def ports(of: Pod) -> set[int]:
    return {port["containerPort"] for port in of.main.get("ports", [])}


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether the labels match a selector. Supports the operators that the manifests use."""
    pairs = selector.get("matchLabels", {})
    terms = selector.get("matchExpressions", [])
    assert all(term["operator"] == "In" for term in terms), selector
    return all(labels.get(key) == value for key, value in pairs.items()) and all(
        labels.get(term["key"]) in term["values"] for term in terms
    )
