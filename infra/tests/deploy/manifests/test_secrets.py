"""`make k8s-secrets`, with a fake kubectl that stores its objects in files."""

import base64
import os
import re
import subprocess
from pathlib import Path

import pytest

from common.messaging.seeds import public_key
from infra.deploy import broker_users
from infra.deploy.manifests.rendered import K8S

FAKE = """\
#!/bin/sh
# Knows as much as the script asks of it: namespaces and secrets are files of $STATE.
set -eu
[ "$1" != --namespace ] || shift 2
case "$*" in
  "get namespace "*) [ ! -e "$STATE/namespace" ] || echo namespace/gittix ;;
  "apply -f base/namespace.yaml") touch "$STATE/namespace" ;;
  "get secret "*) [ ! -e "$STATE/$3" ] || echo "secret/$3" ;;
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
    return subprocess.run(
        [K8S / "secrets.sh"],
        env={"PATH": os.environ["PATH"], "KUBECTL": str(state / "kubectl"), "STATE": str(state)}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_key_is_made_once_and_kept(state: Path) -> None:
    assert run(state).returncode == 0
    first = (state / "jwt-secret").read_text()
    name, _, value = first.strip().partition("=")

    assert run(state).returncode == 0

    assert (state / "namespace").exists()
    assert name == "JWT_KEY"
    assert len(base64.b64decode(value)) >= 32
    assert (state / "jwt-secret").read_text() == first


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
    keys = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "kubectl").write_text(FAKE)
        (folder / "kubectl").chmod(0o755)
        assert run(folder).returncode == 0
        keys.add((folder / "jwt-secret").read_text())
    assert len(keys) == 2


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
    assert (state / "jwt-secret").read_text().split("=", 1)[1].strip() not in result.stdout + result.stderr
