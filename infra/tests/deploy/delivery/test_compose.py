"""compose.yaml: the role, the environment and the network of each container."""

import os
import re
import stat
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.messaging.seeds import key_variable
from common.runtime.settings import ServiceSettings
from infra.deploy import broker_users, redis_user
from infra.deploy.manifests.rendered import REPO, SERVICES, overlay, pod
from infra.dev import edge, environment
from infra.dev.config import from_env
from infra.dev.keys import generated

STORES = ("auth", "tickets", "orders", "payments")
"""Services with a database."""
DATABASES = {f"{name}-mongo": {name, f"{name}-user"} for name in STORES}
TIMERS = {"expiration-redis": {"expiration", "expiration-worker"}}
STRIPE = ("STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_PUBLISHABLE_KEY")
JOBS = {"streams", *(f"{name}-user" for name in STORES)}
"""Containers that declare the streams, or make a database's user, and end."""
MAKE = "infra/keys.sh .env make"
FAILED = "MAX_FAILED_SIGN_INS"
LIMITS = ("SIGN_UPS_PER_HOUR", FAILED, f"{FAILED}_PER_ADDRESS", f"{FAILED}_PER_ACCOUNT")
CONFIRMED = "REQUIRE_CONFIRMED_EMAIL"
TERMS = ("DELIVERY_SECONDS", "ACCEPTANCE_SECONDS")
CHOICES = dict.fromkeys(
    (
        *(*STRIPE, *LIMITS, "MAX_MARKUP_PERCENT", "FEE_PERCENT", "LOG_LEVEL", "ORDER_HOLD_SECONDS"),
        *(*TERMS, CONFIRMED),
    ),
    "5",
)


@cache
def file() -> Any:
    return yaml.safe_load((REPO / "compose.yaml").read_text())


def containers() -> Mapping[str, Any]:
    services: Mapping[str, Any] = file()["services"]
    return services


def reach(name: str) -> set[str]:
    """Containers that share a network with it."""
    own = set(containers()[name]["networks"])
    return {other for other, one in containers().items() if own & set(one["networks"])} - {name}


def passed_on(name: str) -> set[str]:
    """Names of its variables, if all optional ones are set."""
    lines = [
        line
        for path in containers()[name].get("env_file", [])
        for line in (REPO / path.replace("${STRIPE_KEY:+-stripe}", "-stripe")).read_text().splitlines()
    ]
    return {line.split("=")[0] for line in lines} | set(containers()[name]["environment"])


EVERY = pytest.mark.parametrize("name", containers())
OURS = pytest.mark.parametrize("name", [*SERVICES, "expiration-worker"])


@EVERY
def test_a_container_is_confined(name: str) -> None:
    one = containers()[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices"} & set(one)


@EVERY
def test_a_container_is_bounded_watched_and_started_again(name: str) -> None:
    one = containers()[name]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(one)
    assert one["restart"] == ("on-failure" if name in JOBS else "unless-stopped")
    assert name in JOBS or one["healthcheck"]["test"]
    assert one["logging"] == {"driver": "local"}


@EVERY
def test_no_image_moves(name: str) -> None:
    repository, _, tag = containers()[name]["image"].partition(":")
    assert tag
    assert tag != "latest"
    assert "/" not in repository or repository.startswith(("gittix/", "axllent/"))


@EVERY
def test_only_the_image_of_nats_is_run_by_root(name: str) -> None:
    """Images of this repo set their user themselves."""
    one = containers()[name]
    assert ("build" in one or "pull_policy" in one) != ("user" in one)
    assert one.get("user", "").startswith("0") == (name == "nats")


@OURS
def test_our_images_are_built_here_and_never_pulled(name: str) -> None:
    one = containers()[name]
    package = name.removesuffix("-worker")
    assert one["image"] == f"gittix/{package}:compose"
    if name in SERVICES:
        assert one["pull_policy"] == "build"
        # With the fake gateway, which only an image for development has.
        args = {"KIND": "development"}
        assert one["build"] == {"context": ".", "dockerfile": f"{package}/Dockerfile", "args": args}
    else:
        assert one["pull_policy"] == "never"


@OURS
def test_each_has_the_environment_of_the_local_process(name: str) -> None:
    seeds = dict.fromkeys(broker_users.names(), "SU")
    told_there = environment.services(from_env(CHOICES), generated(), seeds)[name.removesuffix("-worker")]
    on_this_machine = {"HOST", "PORT", "PYTHONUNBUFFERED"}
    behind_a_proxy = {"FORWARDED_ALLOW_IPS"} if "edge" in reach(name) else set()

    assert passed_on(name) == set(told_there) - on_this_machine | behind_a_proxy


def test_the_port_is_the_one_that_is_checked_and_routed() -> None:
    assert ServiceSettings.model_fields["port"].default == 3000
    for name in (*SERVICES, "expiration-worker"):
        assert "http://127.0.0.1:3000/readyz" in containers()[name]["healthcheck"]["test"][-1]


def test_a_key_is_asked_for_by_the_command_that_makes_one() -> None:
    auth = containers()["auth"]["environment"]
    for name in ("JWT_KEY", "JWT_PUBLIC_KEYS"):
        assert auth[name] == f"${{{name}:?make it with: {MAKE}}}"
    for document in ("README.md", "compose.yaml"):
        assert MAKE in (REPO / document).read_text()


def test_auth_alone_has_the_private_key_and_each_other_key_is_for_one_purpose() -> None:
    users: dict[str, set[str]] = {}
    for name, one in containers().items():
        for value in one.get("environment", {}).values():
            for variable in re.findall(r"\$\{(\w+_KEYS?)\b", str(value)):
                users.setdefault(variable, set()).add(name)
    with_a_session = {"auth", "tickets", "orders", "payments", "client"}

    assert users == {
        "JWT_KEY": {"auth"},
        "JWT_PUBLIC_KEYS": with_a_session,
        "RECEIPT_KEYS": {"orders"},
        "CLIENT_ADDRESS_KEY": {"auth", "client"},
        "DEVICE_KEY": {"auth"},
        "FILES_KEY": {"tickets"},
        "BARCODE_KEY": {"tickets"},
        **{key_variable(user): {"nats"} for user in broker_users.names()},
        **{f"MONGO_{name.upper()}_KEY": {f"{name}-mongo", f"{name}-user"} for name in STORES},
    }


def test_each_has_the_password_of_its_own_database_alone() -> None:
    users: dict[str, set[str]] = {}
    for name, one in containers().items():
        for value in [*one.get("environment", {}).values(), *one.get("entrypoint", [])]:
            for variable in re.findall(r"\$\{(\w+_PASSWORD(?:_HASH)?)\b", str(value)):
                users.setdefault(variable, set()).add(name)

    assert users == {
        **{f"MONGO_{name.upper()}_PASSWORD": {name, f"{name}-user"} for name in STORES},
        "REDIS_PASSWORD": {"expiration", "expiration-worker"},
        "REDIS_PASSWORD_HASH": {"expiration-redis"},
    }


@pytest.mark.parametrize("name", STORES)
def test_a_databases_user_is_the_one_with_which_its_service_connects(name: str) -> None:
    service, job = containers()[name]["environment"], containers()[f"{name}-user"]
    assert job["environment"]["MONGO_URI"] == service["MONGO_URI"]
    assert service["MONGO_URI"].startswith(f"mongodb://{name}:${{MONGO_{name.upper()}_PASSWORD:?")
    assert job["entrypoint"] == ["python", "-m", "common.persistence.users"]
    assert job["image"] == containers()[name]["image"]


def test_redis_has_the_one_user_and_its_rights() -> None:
    expected = redis_user.options(f"${{REDIS_PASSWORD_HASH:?make it with: {MAKE}}}")
    assert containers()["expiration-redis"]["entrypoint"][2:] == expected


def test_a_mongodb_is_started_as_on_kubernetes() -> None:
    (container,) = pod(overlay("prod"), "auth-mongo").spec["containers"]
    for name in STORES:
        one = containers()[f"{name}-mongo"]
        assert [word.replace("$$", "$") for word in one["entrypoint"]] == container["command"]
        assert one["command"] == container["args"][:3]


def test_money_is_played_until_a_stripe_key_is_given() -> None:
    (path,) = containers()["payments"]["env_file"]
    for suffix, gateway in (("", "fake"), ("-stripe", "stripe")):
        content = (REPO / path.replace("${STRIPE_KEY:+-stripe}", suffix)).read_text()
        assert content == f"PAYMENT_GATEWAY={gateway}\n"


@pytest.mark.parametrize(("server", "users"), (DATABASES | TIMERS).items())
def test_a_database_is_reached_by_its_service_alone(server: str, users: set[str]) -> None:
    assert reach(server) == users
    assert not containers()[server].get("ports")
    for user in users:
        assert any(f"@{server}:" in str(value) for value in containers()[user]["environment"].values())


def test_events_are_reached_by_those_who_exchange_them() -> None:
    users = {name for name, one in containers().items() if "NATS_URL" in one.get("environment", {})}
    assert {one for one in reach("nats") if "events" in containers()[one]["networks"]} == users


def test_each_has_the_seed_of_its_own_user_and_the_server_the_public_keys() -> None:
    seeds = {
        name: re.match(r"\$\{NATS_([A-Z]+)_SEED:\?", one["environment"]["NATS_SEED"])
        for name, one in containers().items()
        if "NATS_SEED" in one.get("environment", {})
    }
    users = {name: found[1].lower() for name, found in seeds.items() if found is not None}
    own = {name: name for name in ("auth", "tickets", "orders", "payments", "expiration", "client")}
    assert users == own | {"expiration-worker": "expiration", "streams": "administrator"}
    assert set(containers()["nats"]["environment"]) == {key_variable(user) for user in broker_users.names()}
    script = REPO / "infra" / "compose" / "seeds.sh"
    assert f"for user in {' '.join(broker_users.names())}; do" in script.read_text()
    for document in ("README.md", "compose.yaml", ".github/workflows/ci.yaml"):
        assert "infra/compose/seeds.sh" in (REPO / document).read_text()


def test_the_keys_of_the_brokers_users_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    """Those of a user that a later release adds are made beside the ones that are there."""
    script = tmp_path / "infra" / "compose" / "seeds.sh"
    script.parent.mkdir(parents=True)
    script.write_text((REPO / "infra" / "compose" / "seeds.sh").read_text())
    docker = tmp_path / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = build ]; then echo image; exit; fi\n'
        'while [ $# -gt 0 ] && [ "$1" != common.seeds ]; do shift; done\n'
        'shift; for user; do echo "NATS_$(echo "$user" | tr a-z A-Z)_KEY=$$"; done\n'
    )
    docker.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    made = tmp_path / ".env"

    def run() -> str:
        subprocess.run(["sh", script], env=env, check=True, capture_output=True)
        return made.read_text()

    first = run()
    assert re.findall(r"^(\w+)=\d+$", first, re.MULTILINE) == [*map(key_variable, broker_users.names())]
    assert run() == first
    older = re.sub(r"NATS_AUTH_KEY=\d+\n", "", first)
    made.write_text(older)
    assert re.fullmatch(re.escape(older) + r"NATS_AUTH_KEY=\d+\n", run())
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_the_edge_and_the_mailbox_are_reached_from_this_machine_and_payments_and_mails_get_out() -> None:
    outside = {name for name, one in file()["networks"].items() if not (one or {}).get("internal")}
    assert {name for name, one in containers().items() if outside & set(one["networks"])} == {
        "edge",
        "payments",
        "auth",
        "mailpit",
    }
    assert [name for name, one in containers().items() if "ports" in one] == ["edge", "mailpit"]
    assert containers()["mailpit"]["ports"] == ["127.0.0.1:${MAILBOX_PORT:-8025}:8025"]
    assert containers()["edge"]["ports"] == ["127.0.0.1:${EDGE_PORT:-8080}:8080"]
    assert reach("edge") == {"client", *dict(edge.ROUTES).values()}


@pytest.mark.parametrize("name", [*DATABASES, *TIMERS, "nats"])
def test_data_is_kept_in_a_volume_of_its_own(name: str) -> None:
    (mount,) = containers()[name]["volumes"]
    volume, _, target = mount.partition(":")
    assert volume == name
    assert volume in file()["volumes"]
    assert target in ("/data", "/data/db")


def test_the_servers_keep_what_they_were_given() -> None:
    def configuration(name: str) -> str:
        one = containers()[name]["configs"][0]
        path: str = file()["configs"][one["source"]]["file"]
        return (REPO / path).read_text()

    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction", "dir /data"} <= set(
        configuration("expiration-redis").splitlines()
    )
    assert "store_dir: /data" in configuration("nats")
    assert "dbPath: /data/db" in configuration("auth-mongo")
