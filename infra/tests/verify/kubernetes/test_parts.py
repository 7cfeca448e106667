import json
from collections.abc import Mapping
from typing import Any

from infra.verify.kubernetes.application import deployment
from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.marketplace import MARKETPLACE, PROCESSES, RELEASE, WORKER
from infra.verify.kubernetes.parts import growth, memory, primaries, production, secret, versions

METRICS = """\
# TYPE event_deliveries_total counter
event_deliveries_total{event="order.created",outcome="ack"} 3.0
event_deliveries_total{event="order.created",outcome="early"} 20.0
event_deliveries_total{event="ticket.created",outcome="ack"} 4.0
"""


def test_events_are_counted_once_they_were_acknowledged() -> None:
    assert growth.acked(METRICS) == 7


def test_a_pod_that_got_none_counts_none() -> None:
    assert growth.acked("# TYPE event_deliveries_total counter\n") == 0


async def test_the_longest_silence_is_that_between_two_writes() -> None:
    counts = iter([0, 1, *[1] * 10, *range(2, 1_000)])

    longest = await primaries.longest_silence(lambda: next(counts), 0.5)

    assert 0.2 <= longest < 0.45


async def test_a_count_that_stands_still_is_silent_all_along() -> None:
    assert await primaries.longest_silence(lambda: 7, 0.2) > 0.15


def ended(state: str, message: str) -> Mapping[str, Any]:
    return {"status": {"containerStatuses": [{state: {"terminated": {"message": message}}}]}}


def test_the_reason_is_that_of_the_pod_that_ended() -> None:
    running: Mapping[str, Any] = {"status": {"containerStatuses": [{"state": {"running": {}}}]}}
    assert secret.reason([running, ended("state", "Cannot start\n")]) == "Cannot start"


def test_the_reason_outlives_the_restart() -> None:
    assert secret.reason([ended("lastState", "Cannot start")]) == "Cannot start"


def test_there_is_no_reason_before_anything_ended() -> None:
    assert secret.reason([{"status": {}}, {}]) == ""


def test_all_of_production_moves_to_the_new_namespace() -> None:
    objects = [
        {"kind": "Namespace", "metadata": {"name": "gittix", "labels": {"enforce": "restricted"}}},
        {"kind": "Service", "metadata": {"name": "nats-srv", "namespace": "gittix"}},
    ]
    namespace, others = production.moved(objects)
    assert namespace["metadata"] == {"name": production.NEW, "labels": {"enforce": "restricted"}}
    assert [(item["kind"], item["metadata"]["namespace"]) for item in others["items"]] == [
        ("Service", production.NEW)
    ]


class Kubelet(Cluster):
    """Answers for a node with two pods of auth, one of tickets, and one of another application."""

    def __init__(self) -> None:
        super().__init__(("kubectl",), MARKETPLACE)

    async def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        assert stdin is None
        match arguments:
            case ("get", "nodes", *_):
                return json.dumps({"items": [{"metadata": {"name": "n"}}]})
            case ("get", "pods", *_):
                names = {"a1": "auth", "a2": "auth", "t1": "tickets"}
                pods = [{"metadata": {"name": n, "labels": {"app": app}}} for n, app in names.items()]
                return json.dumps({"items": pods})
        assert arguments == ("get", "--raw", "/api/v1/nodes/n/proxy/stats/summary")
        used = (("gittix", "a1", 50), ("gittix", "a2", 60), ("gittix", "t1", 70), ("kube-system", "a1", 900))
        return json.dumps(
            {
                "pods": [
                    {
                        "podRef": {"namespace": namespace, "name": name},
                        "containers": [{"memory": {"workingSetBytes": mib * memory.MEBIBYTE}}],
                    }
                    for namespace, name, mib in used
                ]
            }
        )


async def test_memory_is_that_of_the_largest_pod_of_each_app() -> None:
    assert await memory.sample(Kubelet()) == {"auth": 60, "tickets": 70}


class Deployments(Cluster):
    """Records the images that each Deployment is set to, and the rollouts that are awaited."""

    def __init__(self) -> None:
        super().__init__(("kubectl",), MARKETPLACE)
        self.images: dict[str, str] = {}
        self.awaited: set[str] = set()

    async def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        assert stdin is None
        match arguments:
            case ("set", "image", name, image):
                self.images[name] = image
            case ("rollout", "status", name, _):
                assert len(self.images) == len(PROCESSES), "rolled out one after another"
                self.awaited.add(name)
        return ""


async def test_all_deployments_move_to_a_version_at_the_same_time() -> None:
    cluster = Deployments()

    await versions.move(cluster, RELEASE)

    assert set(cluster.images) == cluster.awaited == {deployment(process) for process in PROCESSES}
    assert cluster.images[deployment("orders")] == "process=gittix/orders:release"
    assert cluster.images[deployment(WORKER)] == "process=gittix/expiration:release"
