"""The blog's manifests compared with its code. Tests of all manifests: infra/tests/deploy/manifests."""

from typing import Any

import pytest
import yaml

from blog.__main__ import SERVICES
from blog.run.cluster import BLOG, FOLDER
from infra.deploy.manifests.rendered import BLOG_K8S, environment, named, of_kind, overlay, pod, pods
from infra.verify.kubernetes.hosts import ROOT, VOLUMES

OVERLAYS = ("blog-dev", "blog-test")
ROUTES = {
    "/": "client",
    "/new-post": "client",
    "/new-comment/1": "client",
    "/static/page.js": "client",
    "/events": "client",
    "/posts": "query",
    "/posts/create": "posts",
    "/posts/1/comments": "comments",
}


def routed(paths: Any, path: str) -> str:
    """Service of a path by the Ingress API: exact path first, then the longest prefix, element by element."""

    def fits(rule: Any) -> bool:
        whole = path == rule["path"]
        return whole or (
            rule["pathType"] == "Prefix" and f"{path}/".startswith(rule["path"].rstrip("/") + "/")
        )

    found = max(filter(fits, paths), key=lambda rule: (rule["pathType"] == "Exact", len(rule["path"])))
    return str(found["backend"]["service"]["name"])


@pytest.mark.parametrize("name", OVERLAYS)
@pytest.mark.parametrize("path", ROUTES)
def test_the_ingress_leads_where_the_laptops_edge_does(name: str, path: str) -> None:
    ingress = named(overlay(name), "Ingress", "edge")
    assert ingress["spec"]["rules"][0]["host"] == BLOG.host == "posts.com"
    assert ingress["spec"]["ingressClassName"] == "nginx"
    # No annotations: they differ between controllers.
    assert "annotations" not in ingress["metadata"]
    for rule in ingress["spec"]["rules"]:
        assert routed(rule["http"]["paths"], path) == f"{ROUTES[path]}-srv"


@pytest.mark.parametrize("name", OVERLAYS)
def test_each_service_is_the_one_image_with_its_name_as_argument(name: str) -> None:
    deployments = of_kind(overlay(name), "Deployment")
    assert {one["metadata"]["name"] for one in deployments} == {f"{service}-depl" for service in SERVICES}
    for service in SERVICES:
        process = pod(overlay(name), service).main
        assert process["args"] == [service]
        assert process["image"].startswith("gittix/blog:")


@pytest.mark.parametrize("name", OVERLAYS)
def test_each_service_that_is_called_has_an_address_by_its_name(name: str) -> None:
    called = {
        one["metadata"]["name"]: one["spec"]["ports"][0]["port"] for one in of_kind(overlay(name), "Service")
    }
    assert called == {f"{one}-srv": 3000 for one in SERVICES if one != "moderation"} | {"nats-srv": 4222}


def test_moderation_has_the_blocked_words_as_setting() -> None:
    assert (
        environment(overlay("blog-dev"), pod(overlay("blog-dev"), "moderation"))["BLOCKED_WORDS"] == "orange"
    )


def test_the_application_of_the_cluster_tests_equals_its_overlay() -> None:
    test = overlay("blog-test")
    assert set(BLOG.images) == {one.main["image"] for one in pods(test)}
    assert [file for file in BLOG.images.values() if not (ROOT / file).exists()] == []
    workloads = {
        f"{one['kind'].lower()}/{one['metadata']['name']}"
        for one in of_kind(test, "Deployment", "StatefulSet")
    }
    assert set(BLOG.workloads) == workloads
    volumes = {one["spec"]["local"]["path"] for one in of_kind(test, "PersistentVolume")}
    assert volumes == {str(VOLUMES / name) for name in BLOG.volumes}
    assert {one["metadata"]["name"] for one in of_kind(test, "Namespace")} == {BLOG.namespace}


def test_skaffold_builds_and_forwards_the_services_of_the_dev_overlay() -> None:
    config = yaml.safe_load((FOLDER / "skaffold.yaml").read_text())
    (built,) = config["build"]["artifacts"]
    context = FOLDER / built["context"]
    assert built["image"] == "gittix/blog"
    assert context.resolve() == ROOT
    assert (context / built["docker"]["dockerfile"]).exists()
    for rule in built["sync"]["manual"]:
        assert (context / rule["strip"]).is_dir()
        assert rule["dest"] == "/app/src"
    assert [FOLDER / path for path in config["manifests"]["kustomize"]["paths"]] == [
        BLOG_K8S / "overlays" / "dev"
    ]
    for one in config["portForward"]:
        if one["namespace"] == BLOG.namespace:
            (port,) = named(overlay("blog-dev"), "Service", one["resourceName"])["spec"]["ports"]
            assert port["port"] == one["port"]
