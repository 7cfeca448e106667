"""Environment of each process in the overlays, compared with the settings in its code."""

import re
from typing import Any
from urllib.parse import urlsplit

import certifi
import pytest
from tests.deploy.manifests.code import is_ours, settings

from common.http.session_keys import PrivateKey
from common.messaging.jetstream.declarations import DEAD_LETTERS_PART
from common.messaging.seeds import key_variable, new_seed
from infra.deploy import broker, broker_users, redis_user
from infra.deploy.manifests.rendered import (
    EVERY_OVERLAY,
    OVERLAYS,
    Pod,
    environment,
    named,
    of_kind,
    overlay,
    pod,
    pods,
)

OBJECT_STORE = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT")
BESIDE_SETTINGS = {"SETTINGS_HINT", "FORWARDED_ALLOW_IPS", "FORWARDED_HOPS", *OBJECT_STORE}
"""Variables that `common.runtime.settings.load`, `common.runtime.server.serve` and the object store read."""
PARTS_OF_ADDRESSES = {"MONGO_USER", "MONGO_PASSWORD", "MONGO_SERVERS", "MONGO_OPTIONS", "REDIS_PASSWORD"}
ADDRESSES = {"MONGO_URI", "REDIS_URL"}
DATABASES = ("auth", "tickets", "orders", "payments")
PRIVATE_KEY = ("jwt-secret", "JWT_KEY")
SECRETS = {
    "JWT_PUBLIC_KEYS": ("jwt-public", "JWT_PUBLIC_KEYS"),
    "RECEIPT_KEYS": ("receipt-keys", "RECEIPT_KEYS"),
    "CLIENT_ADDRESS_KEY": ("client-address-key", "CLIENT_ADDRESS_KEY"),
    "DEVICE_KEY": ("device-key", "DEVICE_KEY"),
    "FILES_KEY": ("files-keys", "FILES_KEY"),
    "BARCODE_KEY": ("files-keys", "BARCODE_KEY"),
    **{name: ("files-store", name) for name in ("FILES_URL", *OBJECT_STORE)},
    "MAIL_URL": ("mail-secret", "MAIL_URL"),
    "STRIPE_KEY": ("stripe-secret", "STRIPE_KEY"),
    "STRIPE_PUBLISHABLE_KEY": ("stripe-secret", "STRIPE_PUBLISHABLE_KEY"),
    "STRIPE_WEBHOOK_SECRET": ("stripe-secret", "STRIPE_WEBHOOK_SECRET"),
}


SECRET = "a secret of thirty-two bytes or more"
SIGNS = PrivateKey.generate()
VALUES = {
    "JWT_KEY": SIGNS.text,
    "JWT_PUBLIC_KEYS": SIGNS.public.text,
    "FILES_URL": "s3://gittix/files",
    "MAIL_URL": "smtps://gittix:password@mail.test",
}


def processes(name: str) -> list[Pod]:
    return list(filter(is_ours, pods(overlay(name))))


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_each_variable_is_a_setting_of_the_code(name: str) -> None:
    for each in processes(name):
        known = (
            {field.upper() for field in settings(each).model_fields} | BESIDE_SETTINGS | PARTS_OF_ADDRESSES
        )
        assert set(environment(overlay(name), each)) <= known, each.name


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_with_its_secrets_each_process_would_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in processes(name):
        with monkeypatch.context() as patch:
            for field in settings(each).model_fields:
                patch.delenv(field.upper(), raising=False)
            for variable, value in environment(overlay(name), each).items():
                known = value if value is not None else a_secret(variable)
                patch.setenv(variable, known.replace("/etc/internal-ca/ca.crt", certifi.where()))
            assert settings(each)().port in {port["containerPort"] for port in each.main["ports"]}


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_secret_is_named_and_never_written(name: str) -> None:
    assert not of_kind(overlay(name), "Secret")
    for each in processes(name):
        user = each.labels["app"].removesuffix("-worker")
        own = {
            "NATS_SEED": (f"nats-{user}", "NATS_SEED"),
            "JWT_KEY": PRIVATE_KEY,
            "MONGO_PASSWORD": (f"mongo-{user}", f"MONGO_{user.upper()}_PASSWORD"),
            "REDIS_PASSWORD": ("redis-expiration", "REDIS_PASSWORD"),
        }
        for variable, source in secrets_of(each.main).items():
            assert source == (SECRETS | own)[variable]
        others = {one["name"] for one in each.main.get("env", [])} - set(secrets_of(each.main))
        assert others <= ADDRESSES | PARTS_OF_ADDRESSES
        # The mailbox and the folder of development have no password.
        without_password = set() if name == "prod" else {"MAIL_URL", "FILES_URL"}
        assert not {*SECRETS, *own} & written(name, each) - without_password


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_without_a_key_of_its_own_a_process_reports_the_command_to_run(name: str) -> None:
    for each in processes(name):
        for one in each.main.get("env", []):
            source = one.get("valueFrom", {}).get("secretKeyRef")
            # Without its password an address is none: the pod waits, like the database's own.
            assert source is None or source.get("optional", False) == (one["name"] not in PARTS_OF_ADDRESSES)


def secrets_of(container: Any) -> dict[str, tuple[str, str]]:
    """Variables with a secret's value, each with the secret's name and key."""
    sources = {one["name"]: one.get("valueFrom", {}).get("secretKeyRef") for one in container.get("env", [])}
    return {name: (source["name"], source["key"]) for name, source in sources.items() if source}


@pytest.mark.parametrize("name", OVERLAYS)
def test_each_key_goes_to_whom_it_is_for(name: str) -> None:
    users: dict[tuple[str, str], set[str]] = {}
    for each in processes(name):
        for source in secrets_of(each.main).values():
            users.setdefault(source, set()).add(each.labels["app"])
    with_a_session = {"auth", "tickets", "orders", "payments", "client"}

    assert users[PRIVATE_KEY] == {"auth"}
    assert users[SECRETS["JWT_PUBLIC_KEYS"]] == with_a_session
    assert users[SECRETS["RECEIPT_KEYS"]] == {"orders"}
    assert users[SECRETS["CLIENT_ADDRESS_KEY"]] == {"auth", "client"}
    assert users[SECRETS["FILES_KEY"]] == users[SECRETS["BARCODE_KEY"]] == {"tickets"}
    for database in DATABASES:
        assert users[f"mongo-{database}", f"MONGO_{database.upper()}_PASSWORD"] == {database}
    assert users["redis-expiration", "REDIS_PASSWORD"] == {"expiration", "expiration-worker"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_key_of_a_databases_servers_is_kept_from_every_process_that_serves(name: str) -> None:
    keys = {
        (source, each.labels["app"], container["name"])
        for each in pods(overlay(name))
        for container in each.containers
        for variable, source in secrets_of(container).items()
        if variable == "MONGO_KEY"
    }
    sets = {"test-sets", "prod"}

    def of(database: str) -> tuple[str, str]:
        return f"mongo-{database}", f"MONGO_{database.upper()}_KEY"

    assert keys == {
        *((of(database), f"{database}-mongo", "mongo") for database in DATABASES),
        *((of(database), database, "user") for database in DATABASES),
        *((of(database), f"{database}-mongo-init", "initiate") for database in DATABASES if name in sets),
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_user_that_is_made_is_the_one_that_serves(name: str) -> None:
    for database in DATABASES:
        first, process = pod(overlay(name), database).containers[-2:]
        own, made = (
            {one["name"]: one for one in container["env"] if one["name"].startswith("MONGO_")}
            for container in (process, first)
        )
        del made["MONGO_KEY"]
        assert made == own
        uri = environment(overlay(name), pod(overlay(name), database))["MONGO_URI"]
        assert uri is not None
        assert uri.startswith(f"mongodb://{database}:$(MONGO_PASSWORD)@{database}-mongo")
        assert urlsplit(uri).path == f"/{database}"


@pytest.mark.parametrize("name", OVERLAYS)
def test_redis_has_the_one_user_and_its_rights(name: str) -> None:
    redis = pod(overlay(name), "expiration-redis").main

    users = ["redis-server", "/etc/redis/redis.conf", *redis_user.options("$(REDIS_PASSWORD_HASH)")]
    assert redis["args"][: len(users)] == users
    assert not {"--user", "--aclfile"} & set(redis["args"][len(users) :])
    assert secrets_of(redis) == {"REDIS_PASSWORD_HASH": ("redis-expiration", "REDIS_PASSWORD_HASH")}


def a_secret(variable: str) -> str:
    return new_seed() if variable == "NATS_SEED" else VALUES.get(variable, SECRET)


@pytest.mark.parametrize("name", OVERLAYS)
def test_only_the_job_that_declares_streams_is_their_administrator(name: str) -> None:
    seeds = {
        (each.name, container["name"], one["valueFrom"]["secretKeyRef"]["name"])
        for each in pods(overlay(name))
        for container in each.containers
        for one in container.get("env", [])
        if one.get("valueFrom", {}).get("secretKeyRef", {}).get("key") == "NATS_SEED"
    }
    job = ("Deployment/expiration-worker-depl", "declare", "nats-administrator")
    assert {seed for seed in seeds if seed[2] == "nats-administrator"} == {job}
    assert {secret for _, container, secret in seeds if container == "process"} == {
        f"nats-{account.user}" for account in broker.accounts()
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_server_has_every_users_public_key_and_no_private_one(name: str) -> None:
    env = {one["name"]: one for one in pod(overlay(name), "nats").main["env"]}
    for user in broker_users.names():
        source = env[key_variable(user)]["valueFrom"]["secretKeyRef"]
        assert (source["name"], source["key"]) == (f"nats-{user}", "NATS_KEY")
    assert not any("SEED" in str(one) for one in env.values())


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_streams_bound_is_below_the_servers_and_that_below_the_volume(name: str) -> None:
    objects = overlay(name)
    (events,) = (one for one in of_kind(objects, "ConfigMap") if "NATS_STREAM_MAX_BYTES" in one["data"])
    (conf,) = (
        one["data"]["nats.conf"] for one in of_kind(objects, "ConfigMap") if "nats.conf" in one["data"]
    )
    (claim,) = pod(objects, "nats").owner["spec"]["volumeClaimTemplates"]
    both = int(events["data"]["NATS_STREAM_MAX_BYTES"]) * (DEAD_LETTERS_PART + 1) / DEAD_LETTERS_PART
    ((number, unit),) = re.findall(r"max_file_store: (\d+)(MB|GB)", conf)
    server = int(number) * {"MB": 10**6, "GB": 10**9}[unit]
    volume = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) * 2**30

    assert both < server < volume


def written(name: str, each: Pod) -> set[str]:
    objects = overlay(name)
    sources = [source["configMapRef"]["name"] for source in each.main["envFrom"]]
    return {variable for source in sources for variable in named(objects, "ConfigMap", source)["data"]}


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_a_changed_setting_changes_the_pod(name: str) -> None:
    """The ConfigMap's name contains a hash of its content, so a new content changes the pod template."""
    for one in of_kind(overlay(name), "ConfigMap"):
        assert len(one["metadata"]["name"].rsplit("-", 1)[-1]) == 10, one["metadata"]["name"]


def test_production_moves_money_and_its_cookies_need_https() -> None:
    env = {each.labels["app"]: environment(overlay("prod"), each) for each in processes("prod")}
    assert env["payments"]["PAYMENT_GATEWAY"] == "stripe"
    assert env["orders"]["ORDER_HOLD_SECONDS"] == "900"
    with_a_session = [one for one in env.values() if "JWT_PUBLIC_KEYS" in one]
    assert len(with_a_session) == 5
    assert all(one["COOKIE_SECURE"] == "true" for one in with_a_session)


@pytest.mark.parametrize(
    ("name", "public_url"),
    [
        ("prod", "https://ticketing.dev"),
        ("test", "http://ticketing.dev"),
        ("dev", "http://ticketing.localhost:8080"),
    ],
)
def test_the_public_address_is_a_host_of_the_ingress(name: str, public_url: str) -> None:
    readers = [each for each in processes(name) if each.labels["app"] in ("auth", "client", "payments")]
    ingress = named(overlay(name), "Ingress", "edge")

    assert [environment(overlay(name), each)["PUBLIC_URL"] for each in readers] == [public_url] * 3
    assert urlsplit(public_url).hostname in {rule["host"] for rule in ingress["spec"]["rules"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_pages_say_for_how_long_orders_holds_a_ticket(name: str) -> None:
    env = {each.labels["app"]: environment(overlay(name), each) for each in processes(name)}
    assert env["client"]["ORDER_HOLD_SECONDS"] == env["orders"]["ORDER_HOLD_SECONDS"]


def test_production_writes_to_a_majority_and_to_three_streams() -> None:
    for each in processes("prod"):
        env = environment(overlay("prod"), each)
        if uri := env.get("MONGO_URI"):
            assert "w=majority" in uri
            assert "journal=true" in uri
            assert "replicaSet=rs0" in uri
    (server,) = (one for one in of_kind(overlay("prod"), "ConfigMap") if "nats.conf" in one["data"])
    assert "sync_interval: always" in server["data"]["nats.conf"]
    (events,) = (
        one for one in of_kind(overlay("prod"), "ConfigMap") if "NATS_STREAM_REPLICAS" in one["data"]
    )
    assert events["data"]["NATS_STREAM_REPLICAS"] == "3"
