"""Options of an overlay, rendered on top of production."""

import os
from pathlib import Path

import pytest
import yaml

from infra.deploy.manifests.edges import entering
from infra.deploy.manifests.rendered import K8S, Object, environment, kustomized, named, of_kind, overlay, pod
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


def test_for_one_release_no_browser_is_redirected(tmp_path: Path) -> None:
    without = {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}
    assert annotations("no-redirect", tmp_path) == {"edge": without, "edge-internal": {}}


def test_with_ingress_nginx_a_body_reaches_its_service_as_it_comes(tmp_path: Path) -> None:
    streams = {"nginx.ingress.kubernetes.io/proxy-request-buffering": "off"}
    assert annotations("ingress-nginx", tmp_path) == {"edge": streams, "edge-internal": streams}


def test_open_databases_take_connections_without_a_user_beside_those_with_one(tmp_path: Path) -> None:
    objects = production_with("open-databases", tmp_path)

    for database in ("auth", "tickets", "orders", "payments"):
        assert pod(objects, f"{database}-mongo").main["args"][-1] == "--transitionToAuth"
    args = pod(objects, "expiration-redis").main["args"]
    (anybody, own) = (place for place, word in enumerate(args) if word == "--user")
    assert args[anybody:own] == ["--user", "default", "reset", "on", "nopass", "+@all", "~*"]
    assert args[own:] == pod(overlay("prod"), "expiration-redis").main["args"][-len(args[own:]) :]


@pytest.mark.parametrize(
    ("option", "mode", "in_use"), [("tls-offered", "allowTLS", False), ("tls-accepted", "preferTLS", True)]
)
def test_on_the_way_to_tls_servers_take_both_and_processes_change_once_they_do(
    tmp_path: Path, option: str, mode: str, *, in_use: bool
) -> None:
    objects = production_with(option, tmp_path)

    for database in ("auth", "tickets", "orders", "payments"):
        args = pod(objects, f"{database}-mongo").main["args"]
        assert args[args.index("--tlsMode") + 1] == mode
        env = environment(objects, pod(objects, database))
        assert ("tls=true" in (env["MONGO_URI"] or "")) == in_use
    env = environment(objects, pod(objects, "client"))
    assert (env["NATS_URL"] or "").startswith("tls://") == in_use
    (server,) = (one["data"] for one in of_kind(objects, "ConfigMap") if "nats.conf" in one["data"])
    assert "allow_non_tls: true" in server["tls.conf"]
