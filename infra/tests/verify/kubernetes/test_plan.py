"""Images, addresses and checks of the test agree with the overlay."""

from pathlib import Path

import pytest

from infra.deploy.manifests.edges import leaving
from infra.deploy.manifests.rendered import of_kind, overlay, pods
from infra.verify.kubernetes import __main__ as command
from infra.verify.kubernetes import suite, trial
from infra.verify.kubernetes.application import Application
from infra.verify.kubernetes.hosts import ROOT, VOLUMES
from infra.verify.kubernetes.marketplace import (
    MARKETPLACE,
    ON_REPLICA_SETS,
    PROCESSES,
    RELEASE,
    SERVERS,
    STAND_INS,
    TODAY,
    stand_in,
)
from infra.verify.kubernetes.parts import policies
from infra.verify.kubernetes.parts import versions as images
from infra.verify.reconcile.addresses import DATABASES
from infra.verify.rollout import versions

TEST = overlay("test")


APPLICATIONS = pytest.mark.parametrize(
    "application", [MARKETPLACE, ON_REPLICA_SETS], ids=lambda one: one.overlay.name
)


@APPLICATIONS
def test_every_image_of_the_overlay_is_built(application: Application) -> None:
    assert set(application.images) == {pod.main["image"] for pod in pods(overlay(application.overlay.name))}


def test_every_image_has_its_dockerfile() -> None:
    assert [file for file in MARKETPLACE.images.values() if not (ROOT / file).exists()] == []


def test_every_workload_is_waited_for() -> None:
    assert {name["metadata"]["name"] for name in of_kind(TEST, "Deployment")} == {
        f"{process}-depl" for process in PROCESSES
    }
    assert {name["metadata"]["name"] for name in of_kind(TEST, "StatefulSet")} == set(SERVERS)


@APPLICATIONS
def test_every_volume_is_a_folder_that_is_made(application: Application) -> None:
    volumes = of_kind(overlay(application.overlay.name), "PersistentVolume")
    assert {volume["spec"]["local"]["path"] for volume in volumes} == {
        str(VOLUMES / name) for name in application.volumes
    }


@APPLICATIONS
def test_every_claim_has_a_volume(application: Application) -> None:
    objects = overlay(application.overlay.name)
    claims = {
        f"data-{server['metadata']['name']}-{number}"
        for server in of_kind(objects, "StatefulSet")
        for number in range(server["spec"].get("replicas", 1))
    }
    assert {volume["spec"]["claimRef"]["name"] for volume in of_kind(objects, "PersistentVolume")} == claims


def test_each_part_runs_on_the_application_that_it_needs() -> None:
    (plain, first), (sets, second) = command.trials(["flows", "primaries", "secret"])

    assert (plain, first[-2:]) == (MARKETPLACE, ["flows", "secret"])
    assert (sets, second[-1:]) == (ON_REPLICA_SETS, ["primaries"])
    assert [application for application, _ in command.trials(["primaries"])] == [ON_REPLICA_SETS]


def test_the_images_of_two_versions_are_those_of_today_and_of_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "extracted", lambda: tmp_path)

    ((application, last),) = command.trials(["flows", "versions"])

    assert last[-2:] == ["flows", "versions"]
    wanted = {images.image(process, tag) for process in PROCESSES for tag in (TODAY, RELEASE)}
    assert wanted <= set(application.images)
    assert set(application.images) - wanted == set(dict(map(stand_in, STAND_INS)))
    assert application.trees == {name: tmp_path for name in wanted if name.endswith(":release")}


def test_without_history_the_other_parts_run_and_that_of_two_versions_skips_visibly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def extracted() -> Path:
        raise versions.NoHistory("this tree is no git checkout")

    monkeypatch.setattr(versions, "extracted", extracted)

    ((application, last),) = command.trials(["flows", "versions"])

    assert (application, last[-1]) == (MARKETPLACE, "flows")
    assert capsys.readouterr().out == "SKIPPED: versions: this tree is no git checkout\n"


def test_the_ways_that_must_be_open_are_those_of_the_policies() -> None:
    ends = {f"{edge.target}-srv" for edge in leaving(TEST)} & set(policies.SERVERS)
    assert ends == set().union(*policies.NEEDS.values())
    for process, needed in policies.NEEDS.items():
        targets = {f"{edge.target}-srv" for edge in leaving(TEST) if edge.source == process}
        assert targets & set(policies.SERVERS) == needed, process


def test_reconciling_finds_every_address_it_needs() -> None:
    ports = {name: 30_000 + place for place, name in enumerate(suite.BEHIND)}
    passwords = {name: f"of-{name}" for name in ("auth", *DATABASES, "redis")}
    urls = suite.urls("http://edge", ports, passwords)
    assert urls["orders"] == "http://edge"
    assert {f"mongo_{name}" for name in DATABASES} | {"edge", "orders", "nats", "redis"} <= set(urls)
    assert urls["mongo_orders"] == (
        f"mongodb://orders:of-orders@localhost:{ports['orders-mongo-srv']}/orders?directConnection=true"
    )
    assert urls["redis"] == f"redis://expiration:of-redis@localhost:{ports['expiration-redis-srv']}/0"


def test_servers_with_tls_are_reached_with_their_ca(tmp_path: Path) -> None:
    ports = {name: 30_000 + place for place, name in enumerate(suite.BEHIND)}
    passwords = dict.fromkeys(("auth", *DATABASES, "redis"), "secret")

    urls = suite.urls("http://edge", ports, passwords, tmp_path / "ca.crt")

    assert urls["nats"] == f"tls://localhost:{ports['nats-srv']}"
    assert urls["redis"].startswith("rediss://")
    assert urls["redis"].endswith(f"/0?ssl_ca_certs={tmp_path}/ca.crt&ssl_check_hostname=true")
    assert urls["mongo_orders"].endswith(f"?directConnection=true&tls=true&tlsCAFile={tmp_path}/ca.crt")


def test_a_machine_without_a_cluster_skips_visibly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["infra.verify.kubernetes"])
    monkeypatch.setattr(trial, "find", lambda: None)
    assert command.main() == 0
    assert "SKIPPED" in capsys.readouterr().out


def test_a_part_that_does_not_exist_is_named_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["infra.verify.kubernetes", "--parts", "system,sytsem"])
    monkeypatch.setattr(trial, "find", lambda: pytest.fail("a cluster was looked for"))
    with pytest.raises(SystemExit, match="No part is called sytsem"):
        command.main()
