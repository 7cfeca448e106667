"""Contents of each service's image, read from its Dockerfile."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from shutil import ignore_patterns
from typing import NamedTuple

import pytest

from common.testing.browser import JWT_PUBLIC_KEYS
from infra.deploy.manifests.rendered import REPO, SHIPPED


class Step(NamedTuple):
    verb: str
    rest: str


@cache
def text(service: str) -> str:
    return (REPO / service / "Dockerfile").read_text()


def package(service: str) -> str:
    return service.rpartition("/")[2]


def stages(service: str) -> list[list[Step]]:
    """Instructions of each stage; the first list holds those before the first FROM."""
    lines = re.sub(r"^\s*#.*\n", "", text(service), flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    found: list[list[Step]] = [[]]
    for line in filter(str.strip, lines):
        step = Step(*re.split(r"\s+", line.strip(), maxsplit=1))
        if step.verb == "FROM":
            found.append([])
        found[-1].append(step)
    return found


def all_of(steps: list[Step], verb: str) -> list[str]:
    return [step.rest for step in steps if step.verb == verb]


def test_they_differ_by_the_services_name_alone() -> None:
    differing = {
        re.sub(rf"\b{package(service)}\b", "SERVICE", text(service).replace(f"{service}/", "FOLDER/"))
        for service in SHIPPED
    }
    assert len(differing) == 1


@pytest.mark.parametrize("service", SHIPPED)
def test_the_base_is_an_argument_and_no_moving_tag(service: str) -> None:
    before, *built = stages(service)
    (base,) = all_of(before, "ARG")
    name, _, image = base.partition("=")

    assert name == "BASE"
    assert re.fullmatch(r"python:3\.\d+-slim", image)
    assert [all_of(stage, "FROM")[0].split()[0] for stage in built] == ["${BASE}"] * len(built)
    assert "latest" not in text(service)


@pytest.mark.parametrize("service", SHIPPED)
def test_locked_dependencies_are_installed_before_the_code_comes(service: str) -> None:
    """A change of code then leaves the layer of the dependencies unchanged."""
    build = stages(service)[1]
    (copied,) = (at for at, step in enumerate(build) if step.verb == "COPY" and ".lock" in step.rest)
    (installed,) = (at for at, step in enumerate(build) if "pip" in step.rest and "install" in step.rest)
    (code,) = (at for at, step in enumerate(build) if step.verb == "COPY" and "/src" in step.rest)

    assert copied < installed < code
    assert build[copied].rest.split()[:-1] == [f"{service}/requirements.lock"]
    assert build[code].rest.split()[:-1] == ["common/src", f"{service}/src"]
    assert {"--require-hashes", "--no-deps"} <= set(build[installed].rest.split())


def sources(service: str, kind: str, folder: Path) -> Path:
    """The sources of an image of this kind, made in `folder` by the step of its Dockerfile."""
    build = stages(service)[1]
    (prepare,) = (rest for rest in all_of(build, "RUN") if "KIND" in rest)
    assert all_of(build, "ARG") == ["KIND=production"]
    for source in (REPO / "common" / "src", REPO / service / "src"):
        shutil.copytree(source, folder / "src", dirs_exist_ok=True, ignore=ignore_patterns("__pycache__"))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", prepare], cwd=folder, env={"KIND": kind, "PATH": path}, check=True)
    return folder / "src"


@pytest.mark.parametrize("service", ["auth", "payments"])
def test_an_image_for_production_starts_without_fakes_and_crashes(service: str, tmp_path: Path) -> None:
    """`common.testing` has both: what ends a process at a crash point, and fakes."""
    src = sources(service, "production", tmp_path)

    assert not [file for file in src.rglob("*.py") if "fake" in file.name or "testing" in file.parts]
    script = f"import {service}.__main__, {service}.app, common; print(common.__file__)"
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env={"PYTHONPATH": str(src)}, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(str(src))


def test_the_fake_gateway_can_not_be_chosen_in_production(tmp_path: Path) -> None:
    src = sources("payments", "production", tmp_path)
    env = {
        "PYTHONPATH": str(src),
        "PAYMENT_GATEWAY": "fake",
        "MONGO_URI": "mongodb://127.0.0.1:1/payments",
        "NATS_URL": "nats://127.0.0.1:1",
        "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
    }
    command = [sys.executable, "-m", "payments"]
    stopped = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)

    assert stopped.returncode == 1
    assert stopped.stderr == "Cannot start: PAYMENT_GATEWAY is fake, and this image is for production\n"


def test_an_image_for_development_has_the_fake_gateway(tmp_path: Path) -> None:
    src = sources("payments", "development", tmp_path)

    assert (src / "payments" / "fake_gateway.py").exists()


@pytest.mark.parametrize("service", SHIPPED)
def test_what_ships_is_copied_from_the_build_and_runs_nothing_of_its_own(service: str) -> None:
    """The final stage contains no tool, cache or secret of the build."""
    final = stages(service)[-1]

    assert not all_of(final, "RUN")
    assert not all_of(final, "ADD")
    assert all(rest.startswith("--from=build ") for rest in all_of(final, "COPY"))


@pytest.mark.parametrize("service", SHIPPED)
def test_it_runs_without_root_and_receives_its_signals(service: str) -> None:
    """Uses the exec form: under a shell, SIGTERM would end the shell and not the service."""
    final = stages(service)[-1]

    assert all_of(final, "USER") == ["10001:10001"]
    assert all_of(final, "ENTRYPOINT") == [f'["python", "-m", "{package(service)}"]']
    assert all_of(final, "EXPOSE") == ["3000"]


@pytest.mark.parametrize("service", SHIPPED)
def test_it_says_what_it_is_and_of_which_revision(service: str) -> None:
    labels = " ".join(all_of(stages(service)[-1], "LABEL"))

    assert f'org.opencontainers.image.title="gittix/{package(service)}"' in labels
    for label in ("version", "revision", "source"):
        assert f'org.opencontainers.image.{label}="${{{label.upper()}}}"' in labels
