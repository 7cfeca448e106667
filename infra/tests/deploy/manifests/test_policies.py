"""NetworkPolicies compared with the code: exactly the edges that the services' settings need."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from tests.deploy.manifests.code import is_ours, settings

from infra.deploy.manifests.edges import Edge, entering, leaving
from infra.deploy.manifests.rendered import (
    EVERY_OVERLAY,
    Object,
    environment,
    every_pod,
    matches,
    named,
    of_kind,
    overlay,
    pods,
)

CALLS = ("mongo_uri", "nats_url", "redis_url", "api_base_url")
"""Settings with the addresses that a process connects to."""
DEFAULT_PORTS = {"http": 80, "mongodb": 27017, "nats": 4222, "redis": 6379}
CONTROLLER = "ingress-nginx"
MEMBERS = ("auth-mongo", "tickets-mongo", "orders-mongo", "payments-mongo")


def called(objects: Sequence[Object]) -> Iterator[Edge]:
    """Edges from the settings that the code declares and the overlay sets."""
    for each in filter(is_ours, pods(objects)):
        env = environment(objects, each)
        for setting in set(settings(each).model_fields) & set(CALLS):
            url = env[setting.upper()]
            assert url, f"{each.name} has no {setting.upper()}"
            for host, port in hosts(url):
                yield Edge(each.labels["app"], behind(objects, host), port)


def hosts(url: str) -> Iterator[tuple[str, int]]:
    """Hosts and ports of the URL. Several hosts are separated by commas; NATS repeats the scheme for each."""
    scheme = url.split("://")[0]
    for one in url.replace(f"{scheme}://", "").split("/")[0].split(","):
        address = urlsplit(f"//{one}")
        assert address.hostname
        yield address.hostname, address.port or DEFAULT_PORTS[scheme]


def behind(objects: Sequence[Object], host: str) -> str:
    """Pods of a Service, by its name or by the name of one of its members; else the namespace."""
    parts = host.split(".")
    if parts[-3:] == ["svc", "cluster", "local"]:
        return parts[1]
    service = named(objects, "Service", parts[-1])
    return str(service["spec"]["selector"]["app"])


def routed(objects: Sequence[Object]) -> Iterator[Edge]:
    for rule in (rule for ingress in of_kind(objects, "Ingress") for rule in ingress["spec"]["rules"]):
        for path in rule["http"]["paths"]:
            spec = named(objects, "Service", path["backend"]["service"]["name"])["spec"]
            if "selector" in spec:
                yield Edge(CONTROLLER, spec["selector"]["app"], 3000)


def members(name: str) -> set[Edge]:
    sets = {Edge(source, app, 27017) for app in MEMBERS for source in (app, f"{app}-init")}
    return sets | {Edge("nats", "nats", 6222)} if name in ("test-sets", "prod") else set()


def outside(name: str) -> set[Edge]:
    to_the_node = {Edge("client", "10.90.0.10/32", 80)}
    to_the_internet = {("payments", 443), ("auth", 465), ("auth", 587), ("tickets", 443)}
    on_the_node = dict.fromkeys(("test", "test-sets", "blog-test"), to_the_node)
    return {**on_the_node, "prod": {Edge(app, "0.0.0.0/0", port) for app, port in to_the_internet}}.get(
        name, set()
    )


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_what_a_pod_may_call_is_what_its_settings_name(name: str) -> None:
    objects = overlay(name)
    expected = set(called(objects)) | members(name) | outside(name)
    names = {Edge(edge.source, "kube-system", 53) for edge in expected}
    assert leaving(objects) == expected | names


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_pod_lets_in_only_those_who_call_it(name: str) -> None:
    objects = overlay(name)
    calls = {edge for edge in called(objects) if edge.target != CONTROLLER}
    assert entering(objects) == calls | members(name) | set(routed(objects))


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_pod_without_a_policy_is_denied_both_ways(name: str) -> None:
    spec = named(overlay(name), "NetworkPolicy", "default-deny")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", ["to-stripe", "to-mail-server", "to-object-store"])
def test_no_private_address_is_the_internet(name: str) -> None:
    policy = named(overlay("prod"), "NetworkPolicy", name)
    block = policy["spec"]["egress"][0]["to"][0]["ipBlock"]
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(block["except"])


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_policy_selects_a_pod(name: str) -> None:
    objects = overlay(name)
    for policy in of_kind(objects, "NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        assert any(matches(selector, each.labels) for each in every_pod(objects)), policy["metadata"]["name"]
