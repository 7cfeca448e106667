"""Options of an overlay, rendered on top of production."""

import os
from pathlib import Path

import yaml

from infra.deploy.manifests.edges import entering
from infra.deploy.manifests.rendered import K8S, Object, kustomized, named, of_kind, overlay
from infra.dev import edge


def production_with(option: str, folder: Path) -> tuple[Object, ...]:
    def relative(path: Path) -> str:
        return os.path.relpath(path, folder.resolve())

    (folder / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "namespace": "gittix",
                "resources": [relative(K8S / "overlays" / "prod")],
                "components": [relative(K8S / "options" / option)],
            }
        )
    )
    return kustomized(folder.resolve())


def test_the_gateways_routes_are_those_of_the_edge(tmp_path: Path) -> None:
    objects = production_with("gateway", tmp_path)

    apis = {f"/api/{path}": [f"{service}-srv"] for path, service in edge.ROUTES}
    assert routed(objects, "edge") == apis | {"/": ["client-srv"]}
    assert routed(objects, "edge-internal") == apis
    assert not of_kind(objects, "Ingress")


def test_a_gateway_serves_browsers_by_https_and_its_own_pages_by_http(tmp_path: Path) -> None:
    objects = production_with("gateway", tmp_path)
    (public,) = named(overlay("prod"), "Ingress", "edge")["spec"]["rules"]
    (internal,) = named(overlay("prod"), "Ingress", "edge-internal")["spec"]["rules"]

    found = {
        (*route["spec"]["hostnames"], *(parent["sectionName"] for parent in route["spec"]["parentRefs"]))
        for route in of_kind(objects, "HTTPRoute")
    }
    assert found == {(public["host"], "https"), (public["host"], "http"), (internal["host"], "http")}
    (redirect,) = named(objects, "HTTPRoute", "edge-redirect")["spec"]["rules"]
    assert [each["requestRedirect"]["scheme"] for each in redirect["filters"]] == ["https"]


def routed(objects: tuple[Object, ...], name: str) -> dict[str, list[str]]:
    return {
        match["path"]["value"]: [ref["name"] for ref in rule["backendRefs"]]
        for rule in named(objects, "HTTPRoute", name)["spec"]["rules"]
        for match in rule["matches"]
    }


def test_with_a_gateway_its_namespace_alone_reaches_the_services(tmp_path: Path) -> None:
    moved = {one for one in entering(production_with("gateway", tmp_path)) if one.port == 3000}
    assert moved == {one._replace(source="gateway") for one in entering(overlay("prod")) if one.port == 3000}


def annotations(option: str, folder: Path) -> dict[str, Object]:
    """Annotations of each Ingress with the option, which changes nothing else of them."""
    ingresses = of_kind(production_with(option, folder), "Ingress")
    for one in ingresses:
        assert one["spec"] == named(overlay("prod"), "Ingress", one["metadata"]["name"])["spec"]
    return {one["metadata"]["name"]: one["metadata"].get("annotations", {}) for one in ingresses}


def test_cert_manager_issues_the_certificate_of_the_browsers_host(tmp_path: Path) -> None:
    issuer = {"cert-manager.io/cluster-issuer": "letsencrypt"}
    assert annotations("cert-manager", tmp_path) == {"edge": issuer, "edge-internal": {}}


def test_with_ingress_nginx_a_body_reaches_its_service_as_it_comes(tmp_path: Path) -> None:
    streams = {
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-body-size": "6m",
    }
    assert annotations("ingress-nginx", tmp_path) == {"edge": streams, "edge-internal": streams}
