import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.verify.kubernetes import hosts, trial
from infra.verify.kubernetes.hosts import Given, Own

GIVEN = {
    "KUBECONFIG": "config",
    "K8S_LOAD": "echo loaded $IMAGE >> loaded",
    "EDGE_URL": "http://192.168.49.2",
}


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "VOLUMES", tmp_path / "volumes")
    monkeypatch.setattr(hosts, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def up(tmp_path: Path) -> Path:
    """Fake cluster program that records its calls; the cluster is not ready before its start."""
    program = tmp_path / "up.sh"
    return script(program, f'echo "$@" >> {tmp_path}/calls; [ "$1" != kubectl ] || [ -e {tmp_path}/runs ]')


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def calls(up: Path) -> list[str]:
    return (up.parent / "calls").read_text().splitlines()


def kubectl_that_says(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    script(folder / "kubectl", f"echo '{answer}'")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_without_a_kubeconfig_the_cluster_is_one_of_this_machines_own(up: Path) -> None:
    assert isinstance(hosts.find({"K8S_UP": str(up)}), Own)


def test_without_either_there_is_none(tmp_path: Path) -> None:
    assert hosts.find({"K8S_UP": str(tmp_path / "absent")}) is None


def test_a_user_can_not_start_one(up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert hosts.find({"K8S_UP": str(up)}) is None


def test_a_kubeconfig_goes_first(up: Path) -> None:
    assert isinstance(hosts.find({**GIVEN, "K8S_UP": str(up)}), Given)


@pytest.mark.parametrize("missing", ["K8S_LOAD", "EDGE_URL"])
def test_what_a_given_cluster_needs_besides_is_named(missing: str) -> None:
    env: Mapping[str, str] = {name: value for name, value in GIVEN.items() if name != missing}
    with pytest.raises(SystemExit, match=missing):
        hosts.find(env)


def test_what_was_started_is_stopped(up: Path) -> None:
    own = Own(up)
    own.start("gittix")
    own.stop()
    assert calls(up) == ["kubectl get --raw /readyz", "all", "stop"]


def test_what_ran_before_runs_on(up: Path) -> None:
    (up.parent / "runs").touch()
    own = Own(up)
    own.start("gittix")
    own.stop()
    assert calls(up) == ["kubectl get --raw /readyz"]


def test_two_tests_do_not_share_a_cluster(up: Path) -> None:
    first = Own(up)
    first.start("gittix")
    with pytest.raises(SystemExit, match="Another run"):
        Own(up).start("gittix")
    first.stop()
    next_one = Own(up)
    next_one.start("gittix")
    next_one.stop()


def test_a_cluster_is_held_for_tests_that_neither_start_nor_stop_it(up: Path) -> None:
    holder = Own(up)
    holder.hold()
    (up.parent / "runs").touch()
    for _ in range(2):
        test = Own(up)
        test.start("gittix")
        assert not test.ends
        test.stop()
    assert calls(up) == ["kubectl get --raw /readyz", "all", *["kubectl get --raw /readyz"] * 2]

    holder.stop()

    assert calls(up)[-1] == "stop"


def test_a_command_finds_a_cluster_that_is_started_before_it_and_stopped_after_it(
    up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("K8S_UP", str(up))

    assert trial.hold(["sh", "-c", f"echo command >> {up.parent}/calls; exit 3"]) == 3

    assert calls(up) == ["kubectl get --raw /readyz", "all", "command", "stop"]


def test_a_held_cluster_that_another_run_uses_at_the_end_runs_on(up: Path) -> None:
    holder = Own(up)
    holder.hold()
    (up.parent / "runs").touch()
    other = Own(up)
    other.start("gittix")

    holder.stop()

    assert "stop" not in calls(up)
    other.stop()


def test_the_servers_begin_with_empty_volumes(up: Path, tmp_path: Path) -> None:
    own = Own(up)
    own.forget(["nats", "redis"])
    (tmp_path / "volumes" / "nats" / "kept").touch()
    own.forget(["nats", "redis"])
    assert sorted(path.name for path in (tmp_path / "volumes").iterdir()) == ["nats", "redis"]
    assert not list((tmp_path / "volumes").glob("*/*"))


def test_a_given_cluster_that_has_the_suite_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl_that_says(tmp_path, monkeypatch, "namespace/gittix")
    with pytest.raises(SystemExit, match="has a namespace gittix"):
        Given(GIVEN).start("gittix")


def test_a_given_cluster_without_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl_that_says(tmp_path, monkeypatch, "")
    Given(GIVEN).start("gittix")


def test_an_image_is_built_from_its_sources_and_loaded_by_the_given_commands(tmp_path: Path) -> None:
    given = Given({**GIVEN, "K8S_BUILD": "echo built $IMAGE of $DOCKERFILE >> loaded"})
    given.image("gittix/auth:test", "auth/Dockerfile", tmp_path)
    assert (tmp_path / "loaded").read_text().splitlines() == [
        "built gittix/auth:test of auth/Dockerfile",
        "loaded gittix/auth:test",
    ]


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    given = Given({**GIVEN, "K8S_BUILD": "echo no such base >&2; false"})
    with pytest.raises(SystemExit, match="no such base"):
        given.image("gittix/auth:test", "auth/Dockerfile", tmp_path)


def test_a_machine_that_can_not_run_a_cluster_is_no_failure_of_the_suite(tmp_path: Path) -> None:
    up = tmp_path / "up.sh"
    up.write_text("#!/bin/sh\necho no such kernel >&2\nexit 1\n")
    up.chmod(0o755)

    with pytest.raises(hosts.NoCluster, match="no such kernel"):
        Own(up).start("gittix")
