"""Workflows in a fork: allowed actions and places, in addition to the lint of `make workflows`."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import yaml

from infra.deploy.manifests.rendered import REPO, SERVICES

WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.y*ml"))
AFFECTED = REPO / ".github" / "affected.py"
SUITES = ["common", "auth", "tickets", "orders", "expiration", "payments", "client"]


def affected(*paths: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, AFFECTED], input="\n".join(paths), capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


@cache
def workflow() -> Any:
    return yaml.safe_load((REPO / ".github" / "workflows" / "ci.yaml").read_text())


def jobs() -> Mapping[str, Any]:
    found: Mapping[str, Any] = workflow()["jobs"]
    return found


def steps_with(job: str, text: str) -> Iterator[Any]:
    return (step for step in jobs()[job]["steps"] if text in str(step))


JOB = pytest.mark.parametrize("job", jobs())


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["tickets/src/tickets/domain.py"], ["tickets"]),
        (["client/Dockerfile", "auth/tests/test_app.py"], ["auth", "client"]),
        (["common/src/common/contract/events.py"], SUITES),
        (["requirements.lock"], SUITES),
        ([".github/workflows/ci.yaml", "tickets/pyproject.toml"], SUITES),
        (["something-new/x"], SUITES),
        (["docs/architecture.md", "README.md", "infra/src/infra/verify/flows.py"], []),
        ([], []),
    ],
)
def test_a_change_runs_the_suites_that_it_concerns(paths: list[str], expected: list[str]) -> None:
    assert affected(*paths) == expected


def test_a_service_is_known_to_every_job_that_has_one_of_each() -> None:
    images = jobs()["images"]
    assert set(SUITES) == {"common", *SERVICES}
    assert set(images["strategy"]["matrix"]["service"]) == set(SERVICES)
    assert images["outputs"] == {one: f"${{{{ steps.built.outputs.{one} }}}}" for one in SERVICES}


@JOB
def test_a_job_may_read_the_code_and_ends_in_time(job: str) -> None:
    assert workflow()["permissions"] == {}
    assert jobs()[job]["permissions"] == {"contents": "read"}
    assert 5 <= jobs()[job]["timeout-minutes"] <= 60


@JOB
def test_no_credential_of_the_checkout_is_left_for_later_steps(job: str) -> None:
    for step in steps_with(job, "actions/checkout"):
        assert step["with"]["persist-credentials"] is False


@JOB
def test_an_action_is_named_by_commit(job: str) -> None:
    used = [step["uses"] for step in jobs()[job]["steps"] if "uses" in step]
    assert all(re.fullmatch(r"(actions|docker)/[a-z-]+@[0-9a-f]{40}", one) for one in used), used


def test_known_vulnerabilities_of_the_locked_packages_stop_an_image_also_in_a_quiet_week() -> None:
    assert [step["run"] for step in steps_with("audit", "make audit") if "run" in step] == ["make audit"]
    assert "audit" in jobs()["images"]["needs"]
    # YAML 1.1 reads the key `on` as true.
    assert workflow()[True]["schedule"]


@JOB
def test_a_script_takes_what_others_may_write_from_its_environment(job: str) -> None:
    """A branch may be named `$(…)`: inside a script's text, it would be executed."""
    for step in steps_with(job, "run"):
        for pasted in re.findall(r"\$\{\{\s*([^}]*?)\s*\}\}", step.get("run", "")):
            assert re.fullmatch(r"matrix\.\w+|steps\.\w+\.outputs\.digest", pasted), pasted


def test_secrets_are_for_pushing_and_deploying_alone() -> None:
    assert [job for job in jobs() if "secrets." in str(jobs()[job])] == ["images", "deploy"]
    for step in steps_with("images", "secrets."):
        assert step["if"] == "env.PUSH == 'true'"
    assert jobs()["deploy"]["environment"] == "production"


def test_only_main_pushes_and_deploys() -> None:
    for condition in (jobs()["images"]["env"]["PUSH"], jobs()["deploy"]["if"]):
        assert "github.ref == 'refs/heads/main'" in condition
        assert "github.event_name != 'pull_request'" in condition
        assert "github.event_name != 'schedule'" in condition
        assert "vars.REGISTRY != ''" in condition
    (build,) = steps_with("images", "docker/build-push-action")
    assert build["with"]["push"] == "${{ env.PUSH }}"


def test_an_image_tells_what_is_in_it_and_how_it_was_built() -> None:
    (build,) = steps_with("images", "docker/build-push-action")
    assert build["with"]["sbom"] is True
    assert build["with"]["provenance"] == "mode=max"
    args = dict(line.split("=", 1) for line in build["with"]["build-args"].splitlines())
    assert set(args) == {"KIND", "VERSION", "REVISION", "SOURCE"}
    assert args["KIND"] == "production"


def test_what_is_deployed_has_passed_everything() -> None:
    assert jobs()["deploy"]["needs"] == "images"
    assert set(jobs()["images"]["needs"]) == set(jobs()) - {"changes", "images", "deploy"}
    assert "!failure()" in jobs()["images"]["if"]
    assert "needs.images.result == 'success'" in jobs()["deploy"]["if"]
    assert list(steps_with("whole-system", ".ci/run"))


def test_deployments_go_one_after_another_and_none_is_cut_short() -> None:
    assert jobs()["deploy"]["concurrency"] == {"group": "production", "cancel-in-progress": False}
    assert "main" in workflow()["concurrency"]["cancel-in-progress"]


def test_no_registry_has_its_name_here() -> None:
    built = [
        path
        for name in ("Dockerfile", "skaffold.yaml")
        for at in ("", "*/", "examples/*/")
        for path in REPO.glob(at + name)
    ]
    files = [*WORKFLOWS, AFFECTED, REPO / "compose.yaml", *built]
    hosts = re.compile(r"ghcr\.io|docker\.io|quay\.io|gcr\.io|pkg\.dev|amazonaws\.com|azurecr\.io")
    assert not [file.name for file in files if hosts.search(file.read_text())]
