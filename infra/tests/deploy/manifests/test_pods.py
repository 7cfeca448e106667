"""Every pod in every overlay: restricted, probed, bounded, spread, and stopped without losses."""

import re
from typing import Any

import pytest

from client.upstream import CONNECT_SECONDS
from common.runtime.server import GRACE_SECONDS
from common.runtime.service import STOP_SECONDS
from infra.deploy.manifests.rendered import (
    EVERY_OVERLAY,
    Pod,
    environment,
    name_of,
    named,
    of_kind,
    overlay,
    pod,
    pods,
)

PODS = [pytest.param(one, id=f"{name}-{one.name}") for name in EVERY_OVERLAY for one in pods(overlay(name))]
HOST = re.compile(r"(?<=[/,@])[a-z][a-z0-9.-]*(?=[:/,\s]|$)(?!://)")
"""Host names in the addresses of a setting."""
LASTING = [param for param in PODS if "-Job/" not in str(param.id)]


def python_pods(name: str) -> list[Pod]:
    return [one for one in pods(overlay(name)) if one.owner["kind"] == "Deployment"]


@pytest.mark.parametrize("each", PODS)
def test_a_pod_is_restricted(each: Pod) -> None:
    security = each.spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(each.spec)
    kinds = {key for volume in each.spec.get("volumes", ()) for key in volume}
    # A server's certificate with its key, of that server alone.
    own = {"secret"} if each.name.startswith("StatefulSet/") else set()
    assert kinds <= {"name", "configMap", "emptyDir", *own}
    secrets = [
        volume["secret"]["secretName"] for volume in each.spec.get("volumes", ()) if "secret" in volume
    ]
    assert secrets in ([], [f"tls-{each.labels['app']}"])
    for container in each.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("each", PODS)
def test_a_pod_has_no_token(each: Pod) -> None:
    assert each.spec["automountServiceAccountToken"] is False
    assert each.spec["serviceAccountName"] != "default"


@pytest.mark.parametrize("each", PODS)
def test_a_container_has_requests_limits_and_a_pinned_image(each: Pod) -> None:
    for container in each.containers:
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}, container["name"]
        image = container["image"]
        assert "@sha256:" in image or (":" in image and not image.endswith(":latest")), image
        assert container.get("imagePullPolicy") != "Always"


@pytest.mark.parametrize("each", PODS)
def test_a_pod_that_ends_badly_shows_its_last_words(each: Pod) -> None:
    assert all(one["terminationMessagePolicy"] == "FallbackToLogsOnError" for one in each.containers)


@pytest.mark.parametrize("each", LASTING)
def test_a_pod_is_probed_on_ports_that_it_has(each: Pod) -> None:
    names = {port["name"] for port in each.main["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked: Any = each.main[probe]
        if "exec" not in asked:
            assert (asked.get("httpGet") or asked["tcpSocket"])["port"] in names


@pytest.mark.parametrize("each", LASTING)
def test_pods_of_a_kind_are_spread_over_nodes(each: Pod) -> None:
    (spread,) = each.spec["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"]["matchLabels"].items() <= each.labels.items()


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_an_eviction_takes_one_at_a_time(name: str) -> None:
    budgets = [one["spec"] for one in of_kind(overlay(name), "PodDisruptionBudget")]
    lasting = [one for one in pods(overlay(name)) if one.owner["kind"] != "Job"]
    selected = sorted(budget["selector"]["matchLabels"]["app"] for budget in budgets)
    assert selected == sorted(one.labels["app"] for one in lasting)
    assert all(budget["maxUnavailable"] == 1 for budget in budgets)


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_process_waits_for_what_it_depends_on_and_then_answers_for_itself(name: str) -> None:
    for each in python_pods(name):
        assert each.main["startupProbe"]["httpGet"]["path"] == "/readyz", each.name
        paths = [each.main[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")]
        assert paths == ["/healthz", "/healthz"], each.name


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_stop_leaves_time_for_all_that_runs(name: str) -> None:
    for each in python_pods(name):
        pause = each.main["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pause == 5
        assert each.spec["terminationGracePeriodSeconds"] > pause + GRACE_SECONDS + STOP_SECONDS


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_lost_answer_of_the_name_server_is_asked_for_again_in_time(name: str) -> None:
    """In time for client, whose pages wait: a second for each attempt, all of them before it gives up."""
    for each in python_pods(name):
        options = {one["name"]: int(one["value"]) for one in each.spec["dnsConfig"]["options"]}
        assert options["timeout"] == 1, each.name
        assert 3 <= options["timeout"] * options["attempts"] <= CONNECT_SECONDS, each.name


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_full_name_is_asked_for_first_and_without_suffixes(name: str) -> None:
    for each in python_pods(name):
        (ndots,) = (int(one["value"]) for one in each.spec["dnsConfig"]["options"] if one["name"] == "ndots")
        hosts = HOST.findall(" ".join(value or "" for value in environment(overlay(name), each).values()))
        assert {host for host in hosts if host.count(".") >= ndots} == {
            host for host in hosts if host.endswith(".svc.cluster.local")
        }, each.name


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_rollout_takes_no_pod_away_before_its_successor_is_ready(name: str) -> None:
    for each in python_pods(name):
        update = each.owner["spec"]["strategy"]["rollingUpdate"]
        assert update == {"maxUnavailable": 0, "maxSurge": 1}, each.name


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_what_keeps_data_has_a_volume_of_its_own(name: str) -> None:
    for one in of_kind(overlay(name), "StatefulSet"):
        (claim,) = one["spec"]["volumeClaimTemplates"]
        mounts = {mount["name"] for mount in Pod(one).main["volumeMounts"]}
        assert claim["metadata"]["name"] in mounts, name_of(one)


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_each_account_mounts_no_token_and_exists(name: str) -> None:
    for each in pods(overlay(name)):
        account = named(overlay(name), "ServiceAccount", each.spec["serviceAccountName"])
        assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", ["test", "blog-test"])
def test_a_claim_of_the_test_cluster_has_its_volume(name: str) -> None:
    objects = overlay(name)
    bound = {one["spec"]["claimRef"]["name"] for one in of_kind(objects, "PersistentVolume")}
    claimed = {f"data-{one['metadata']['name']}-0" for one in of_kind(objects, "StatefulSet")}
    assert bound == claimed


def test_production_has_two_or_more_of_each_process_and_three_of_what_is_replicated() -> None:
    objects = overlay("prod")
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]
        for one in of_kind(objects, "HorizontalPodAutoscaler")
    }
    for each in python_pods("prod"):
        spec = scaled[each.owner["metadata"]["name"]]
        assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
        # Otherwise both would set the number of replicas at every apply.
        assert "replicas" not in each.owner["spec"]
    for app in ("nats", "auth-mongo", "tickets-mongo", "orders-mongo", "payments-mongo"):
        assert pod(objects, app).owner["spec"]["replicas"] == 3
