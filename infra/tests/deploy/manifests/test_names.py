"""Names, ports and routes agree with the design and with the local edge."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from infra.deploy.manifests.rendered import (
    BLOG_K8S,
    EVERY_OVERLAY,
    FOLDERS,
    K8S,
    MAILBOX,
    OVERLAYS,
    REPO,
    SERVICES,
    Object,
    environment,
    every_pod,
    kustomized,
    matches,
    named,
    of_kind,
    overlay,
    pod,
)
from infra.dev import edge

SERVERS = {
    "auth-mongo-srv": 27017,
    "tickets-mongo-srv": 27017,
    "orders-mongo-srv": 27017,
    "payments-mongo-srv": 27017,
    "nats-srv": 4222,
    "expiration-redis-srv": 6379,
}


@pytest.mark.parametrize("name", OVERLAYS)
def test_services_and_ports_are_as_designed(name: str) -> None:
    found = {
        one["metadata"]["name"]: one["spec"]["ports"][0]["port"] for one in of_kind(overlay(name), "Service")
    }
    mailbox = {"mailpit-srv": 1025} if name == "dev" else {}
    assert found == {f"{service}-srv": 3000 for service in SERVICES} | SERVERS | mailbox


@pytest.mark.parametrize("name", OVERLAYS)
def test_deployments_and_images_are_as_designed(name: str) -> None:
    found = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"]
        for one in of_kind(overlay(name), "Deployment")
        if one["metadata"]["name"] != f"{MAILBOX}-depl"
    }
    assert set(found) == {f"{service}-depl" for service in (*SERVICES, "expiration-worker")}
    for deployment, image in found.items():
        service = deployment.removesuffix("-depl").removesuffix("-worker")
        assert image.startswith((f"gittix/{service}:", f"gittix/{service}@sha256:"))


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_each_service_reaches_its_own_pods_on_a_port_that_they_have(name: str) -> None:
    objects = overlay(name)
    for service in of_kind(objects, "Service"):
        own = service["metadata"]["name"]
        selector = {"matchLabels": service["spec"]["selector"]}
        (target,) = [each for each in every_pod(objects) if matches(selector, each.labels)]
        assert target.labels["app"] == own.removesuffix("-srv")
        named_ports = {port["name"] for port in target.main["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named_ports


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_workload_selects_its_own_pods_alone(name: str) -> None:
    objects = overlay(name)
    for workload in of_kind(objects, "Deployment", "StatefulSet"):
        selector = workload["spec"]["selector"]
        assert [each.owner for each in every_pod(objects) if matches(selector, each.labels)] == [workload]


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_all_live_in_one_namespace(name: str) -> None:
    cluster_wide = {"Namespace", "PersistentVolume"}
    inside = [one for one in overlay(name) if one["kind"] not in cluster_wide]
    assert {one["metadata"]["namespace"] for one in inside} == {"blog" if "blog" in name else "gittix"}


@pytest.mark.parametrize(
    "folder", [K8S / "base", *(FOLDERS[name] for name in ("test", "prod", "blog-test")), BLOG_K8S / "base"]
)
def test_the_namespace_takes_only_restricted_pods(folder: Path) -> None:
    (namespace,) = of_kind(kustomized(folder), "Namespace")
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", ["dev", "blog-dev"])
def test_the_end_of_skaffold_dev_takes_no_key_and_no_data_away(name: str) -> None:
    """`skaffold dev` deletes the objects that it applied.

    With a namespace, all objects in it would be deleted.
    """
    assert not of_kind(overlay(name), "Namespace", "Secret", "PersistentVolumeClaim")


def routes(rule: Object) -> Mapping[str, str]:
    assert all(path["pathType"] == "Prefix" for path in rule["http"]["paths"])
    return {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_ingress_has_the_routes_of_the_laptops_edge(name: str) -> None:
    ingress = named(overlay(name), "Ingress", "edge")
    expected = {f"/api/{path}": f"{service}-srv" for path, service in edge.ROUTES}
    expected |= {"/": "client-srv"}
    for rule in ingress["spec"]["rules"]:
        assert routes(rule) == expected
    assert ingress["spec"]["rules"][0]["host"] == "ticketing.dev"


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_ingress_has_annotations_which_differ_between_controllers(name: str) -> None:
    for ingress in of_kind(overlay(name), "Ingress"):
        assert ingress["spec"]["ingressClassName"] == "nginx"
        assert "annotations" not in ingress["metadata"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_pages_own_host_leads_to_the_apis_alone(name: str) -> None:
    objects = overlay(name)
    (internal,) = named(objects, "Ingress", "edge-internal")["spec"]["rules"]
    public = named(objects, "Ingress", "edge")["spec"]["rules"]

    assert routes(internal) == {path: to for path, to in routes(public[0]).items() if path != "/"}
    assert internal["host"] == environment(objects, pod(objects, "client"))["API_HOST"]
    assert internal["host"] not in [rule["host"] for rule in public]


def test_production_redirects_browsers_to_https_and_not_its_own_pages_calls() -> None:
    edge_spec = named(overlay("prod"), "Ingress", "edge")["spec"]
    env = environment(overlay("prod"), pod(overlay("prod"), "client"))

    assert edge_spec["tls"] == [
        {"hosts": [rule["host"] for rule in edge_spec["rules"]], "secretName": "edge-tls"}
    ]
    assert env["PUBLIC_URL"] == f"https://{edge_spec['rules'][0]['host']}"
    # An Ingress controller redirects the hosts that have a certificate.
    assert "tls" not in named(overlay("prod"), "Ingress", "edge-internal")["spec"]
    assert (env["API_BASE_URL"] or "").startswith("http://")


def test_skaffold_builds_what_the_overlay_of_dev_runs() -> None:
    config = yaml.safe_load((REPO / "skaffold.yaml").read_text())
    built = {one["image"]: one for one in config["build"]["artifacts"]}
    assert set(built) == {f"gittix/{service}" for service in SERVICES}
    for service in SERVICES:
        sources = [rule["strip"] for rule in built[f"gittix/{service}"]["sync"]["manual"]]
        assert all((REPO / source).is_dir() for source in sources)
        assert {rule["dest"] for rule in built[f"gittix/{service}"]["sync"]["manual"]} == {"/app/src"}
    assert config["manifests"]["kustomize"]["paths"] == ["infra/k8s/overlays/dev"]


def test_skaffold_forwards_ports_that_exist() -> None:
    config = yaml.safe_load((REPO / "skaffold.yaml").read_text())
    own = [one for one in config["portForward"] if one["namespace"] == "gittix"]
    for one in own:
        ports = named(overlay("dev"), "Service", one["resourceName"])["spec"]["ports"]
        assert one["port"] in {port["port"] for port in ports}
    assert len({one["localPort"] for one in config["portForward"]}) == len(config["portForward"])


def test_the_worker_is_the_image_of_expiration_with_the_workers_arguments() -> None:
    assert pod(overlay("prod"), "expiration-worker").main["args"] == ["worker"]
