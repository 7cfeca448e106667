"""`make k8s-secrets`, with a fake kubectl that stores its objects in files."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from common.http.session_keys import PrivateKey
from common.messaging.seeds import public_key
from infra.deploy import broker_users
from infra.deploy.manifests.rendered import K8S, REPO

FAKE = """\
#!/bin/sh
# Knows as much as the script asks of it: namespaces and secrets are files of $STATE.
set -eu
[ "$1" != --namespace ] || shift 2
case "$*" in
  "get namespace "*) [ ! -e "$STATE/namespace" ] || echo namespace/gittix ;;
  "apply -f base/namespace.yaml") touch "$STATE/namespace" ;;
  "get secret "*jsonpath=*)
    key=${6#*.data.}
    [ ! -e "$STATE/$3" ] || sed -n "s/^${key%?}=//p" "$STATE/$3" | base64 -w0 ;;
  "get secret "*) [ ! -e "$STATE/$3" ] || echo "secret/$3" ;;
  "delete secret "*) rm -f "$STATE/$3" ;;
  "rollout "*) echo "$2 $3" >> "$STATE/rollouts" ;;
  "create secret generic "*--dry-run*) printf '%s\\n' "$4"; cat ;;
  "create secret generic "*) cat > "$STATE/$4" ;;
  "apply -f -") read -r name; cat > "$STATE/$name" ;;
  *) echo "unexpected: $*" >&2; exit 64 ;;
esac
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "kubectl").write_text(FAKE)
    (tmp_path / "kubectl").chmod(0o755)
    return tmp_path


def run(state: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return called(state, K8S / "secrets.sh", **environment)


def keys(state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return called(state, REPO / "infra/keys.sh", *arguments)


def called(
    state: Path, script: Path, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [script, *arguments],
        env={"PATH": os.environ["PATH"], "KUBECTL": str(state / "kubectl"), "STATE": str(state)}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def stored(state: Path) -> dict[str, str]:
    """The values of all secrets of keys, by name."""
    names = ("jwt-secret", "jwt-public", "receipt-keys", "client-address-key", "device-key", "files-keys")
    found = (state / name for name in names if (state / name).exists())
    lines = (line for path in found for line in path.read_text().splitlines())
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_a_key_is_made_once_and_kept(state: Path) -> None:
    assert run(state).returncode == 0
    first = stored(state)

    assert run(state).returncode == 0

    assert (state / "namespace").exists()
    private = PrivateKey.parse(first["JWT_KEY"])
    assert first == {
        "JWT_KEY": private.text,
        "JWT_PUBLIC_KEYS": private.public.text,
        "RECEIPT_KEYS": first["RECEIPT_KEYS"],
        "CLIENT_ADDRESS_KEY": first["CLIENT_ADDRESS_KEY"],
        "DEVICE_KEY": first["DEVICE_KEY"],
        "FILES_KEY": first["FILES_KEY"],
        "BARCODE_KEY": first["BARCODE_KEY"],
    }
    assert len({len(first[name]) for name in ("RECEIPT_KEYS", "CLIENT_ADDRESS_KEY")} & {64}) == 1
    assert stored(state) == first


def test_the_steps_of_a_rotation_restart_whom_they_concern(state: Path) -> None:
    run(state)
    first = stored(state)

    def step(*arguments: str) -> list[str]:
        (state / "rollouts").write_text("")
        done = keys(state, "kubernetes", *arguments)
        assert done.returncode == 0, done.stderr
        return (state / "rollouts").read_text().splitlines()

    def rollouts(*services: str) -> list[str]:
        return [f"{act} deployment/{service}-depl" for act in ("restart", "status") for service in services]

    everyone = rollouts("auth", "tickets", "orders", "payments", "client")
    assert step("add") == everyone
    assert step("sign") == rollouts("auth")
    assert step("retire", "--now") == everyone
    last = stored(state)
    assert (
        PrivateKey.parse(last["JWT_KEY"]).public.text == last["JWT_PUBLIC_KEYS"] != first["JWT_PUBLIC_KEYS"]
    )
    assert set(last) == set(first)


def test_a_cluster_that_does_not_answer_gets_no_new_keys(state: Path) -> None:
    run(state)
    first = stored(state)
    (state / "kubectl").write_text(
        FAKE.replace("set -eu", 'set -eu; case "$*" in *jsonpath*) exit 1 ;; esac')
    )

    assert run(state).returncode != 0
    assert keys(state, "kubernetes", "add").returncode != 0
    assert stored(state) == first


def test_the_key_of_device_cookies_is_made_once_and_kept(state: Path) -> None:
    run(state)
    first = (state / "device-key").read_text()
    name, _, value = first.strip().partition("=")
    result = run(state)

    assert name == "DEVICE_KEY"
    assert len(value) >= 64
    assert value not in (state / "jwt-secret").read_text() + result.stdout + result.stderr
    assert (state / "device-key").read_text() == first


def test_each_user_of_the_broker_gets_keys_once(state: Path) -> None:
    assert run(state).returncode == 0
    made = {user: (state / f"nats-{user}").read_text() for user in broker_users.names()}
    password = (state / "nats-routes").read_text()

    assert run(state).returncode == 0

    for user, text in made.items():
        found = dict(line.split("=", 1) for line in text.splitlines())
        assert found == {"NATS_SEED": found["NATS_SEED"], "NATS_KEY": public_key(found["NATS_SEED"])}
        assert (state / f"nats-{user}").read_text() == text
    assert len(set(made.values())) == len(made)
    assert re.fullmatch(r"NATS_ROUTES_PASSWORD=r[0-9a-f]{48}\n", password)
    assert (state / "nats-routes").read_text() == password


def test_another_cluster_gets_another_key(tmp_path: Path) -> None:
    made = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "kubectl").write_text(FAKE)
        (folder / "kubectl").chmod(0o755)
        assert run(folder).returncode == 0
        made.add(tuple(stored(folder).values()))
    one, other = made
    assert not set(one) & set(other)


def test_stripes_keys_come_from_the_environment_and_are_replaced(state: Path) -> None:
    run(state, STRIPE_KEY="sk_old", STRIPE_WEBHOOK_SECRET="whsec_old")
    new = {"STRIPE_KEY": "sk_new", "STRIPE_WEBHOOK_SECRET": "whsec_new", "STRIPE_PUBLISHABLE_KEY": "pk_new"}
    assert run(state, **new).returncode == 0

    stored = (state / "stripe-secret").read_text().split()
    assert stored == [f"{name}={value}" for name, value in new.items()]


def test_without_stripes_keys_there_is_no_secret_of_them(state: Path) -> None:
    result = run(state)
    assert not (state / "stripe-secret").exists()
    assert "STRIPE_KEY" in result.stdout


def test_half_of_stripes_keys_is_refused(state: Path) -> None:
    result = run(state, STRIPE_KEY="sk_only")
    assert result.returncode == 1
    assert "STRIPE_WEBHOOK_SECRET" in result.stderr
    assert not (state / "stripe-secret").exists()


def test_no_value_is_printed(state: Path) -> None:
    result = run(state, STRIPE_KEY="sk_unseen", STRIPE_WEBHOOK_SECRET="whsec_unseen")
    assert "unseen" not in result.stdout + result.stderr
    for value in stored(state).values():
        assert value not in result.stdout + result.stderr
