"""Options of an overlay, rendered on top of production."""

import os
from pathlib import Path

import yaml

from infra.deploy.manifests.edges import entering
from infra.deploy.manifests.rendered import K8S, Object, kustomized, named, of_kind, overlay, pod
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

    (route,) = of_kind(objects, "HTTPRoute")
    found = {
        match["path"]["value"]: [ref["name"] for ref in rule.get("backendRefs", [])]
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
    }

    expected = {f"/api/{path}": [f"{service}-srv"] for path, service in edge.ROUTES}
    assert found == expected | {"/": ["client-srv"]}
    assert not of_kind(objects, "Ingress")


def test_with_a_gateway_its_namespace_alone_reaches_the_services(tmp_path: Path) -> None:
    moved = {one for one in entering(production_with("gateway", tmp_path)) if one.port == 3000}
    assert moved == {one._replace(source="gateway") for one in entering(overlay("prod")) if one.port == 3000}


def test_tls_covers_the_host_that_is_routed(tmp_path: Path) -> None:
    (ingress,) = of_kind(production_with("tls", tmp_path), "Ingress")
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"] for rule in ingress["spec"]["rules"]]
    assert "cert-manager.io/cluster-issuer" in ingress["metadata"]["annotations"]


def test_with_ingress_nginx_a_body_reaches_its_service_as_it_comes(tmp_path: Path) -> None:
    (ingress,) = of_kind(production_with("ingress-nginx", tmp_path), "Ingress")
    assert ingress["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "off"
    }
    assert ingress["spec"] == named(overlay("prod"), "Ingress", "edge")["spec"]


def test_open_databases_take_connections_without_a_user_beside_those_with_one(tmp_path: Path) -> None:
    objects = production_with("open-databases", tmp_path)

    for database in ("auth", "tickets", "orders", "payments"):
        assert pod(objects, f"{database}-mongo").main["args"][-1] == "--transitionToAuth"
    args = pod(objects, "expiration-redis").main["args"]
    (anybody, own) = (place for place, word in enumerate(args) if word == "--user")
    assert args[anybody:own] == ["--user", "default", "reset", "on", "nopass", "+@all", "~*"]
    assert args[own:] == pod(overlay("prod"), "expiration-redis").main["args"][-len(args[own:]) :]
