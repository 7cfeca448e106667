"""`infra/certificates.sh` on a folder, and with a fake kubectl that stores objects in folders."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.deploy.certificates import made, step

from infra.deploy.manifests.rendered import REPO

FAKE = """\
#!/bin/sh
# Knows as much as the script asks of it: ConfigMaps and Secrets are folders of $STATE.
set -eu
shift 2
case "$*" in
  "get configmap "*jsonpath=*) [ ! -e "$STATE/$3/ca.crt" ] || cat "$STATE/$3/ca.crt" ;;
  "get secret "*'ca\\.key'*) [ ! -e "$STATE/$3/ca.key" ] || base64 -w0 "$STATE/$3/ca.key" ;;
  "get secret "*'tls\\.crt'*) [ ! -e "$STATE/$3/tls.crt" ] || base64 -w0 "$STATE/$3/tls.crt" ;;
  "get secret "*) [ ! -e "$STATE/$3" ] || echo "secret/$3" ;;
  "create "*--dry-run=client*)
    [ "$2" = configmap ] || shift
    object=$STATE/$3
    mkdir -p "$object"
    for word; do case $word in --from-file=*) cp "${word#*=}" "$object" ;; esac; done ;;
  "apply -f -") cat > "$STATE/applied" ;;
  "rollout "*) echo "$2 $3" >> "$STATE/rollouts" ;;
  *) echo "unexpected: $*" >&2; exit 64 ;;
esac
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "kubectl").write_text(FAKE)
    (tmp_path / "kubectl").chmod(0o755)
    return tmp_path


def on_kubernetes(state: Path, name: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [REPO / "infra" / "certificates.sh", "kubernetes", name],
        env={"PATH": os.environ["PATH"], "KUBECTL": str(state / "kubectl"), "STATE": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def trusts(ca: Path, certificate: Path) -> bool:
    done = subprocess.run(["openssl", "verify", "-CAfile", ca, certificate], capture_output=True, check=False)
    return done.returncode == 0


def test_certificates_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = made(tmp_path / "own")
    before = contents(folder)

    assert step(folder, "make").returncode == 0

    assert contents(folder) == before
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*")} == {0}
    assert trusts(folder / "ca.crt", folder / "nats" / "tls.crt")


def test_what_a_crash_left_half_made_is_made_again(tmp_path: Path) -> None:
    folder = made(tmp_path / "own")
    (folder / "nats" / "tls.pem").unlink()
    (folder / "ca.key").unlink()

    assert step(folder, "make").returncode == 0

    assert all(trusts(folder / "ca.crt", certificate) for certificate in folder.glob("*/tls.crt"))


def test_a_ca_is_replaced_while_the_one_before_is_trusted(tmp_path: Path) -> None:
    folder = made(tmp_path / "own")
    first, certificate = (folder / "ca.crt").read_text(), folder / "nats" / "tls.crt"

    assert step(folder, "replace-ca").returncode == 0
    assert (folder / "ca.crt").read_text().endswith(first)
    assert trusts(folder / "ca.crt", certificate)
    # Its servers would be refused by all.
    assert step(folder, "retire-ca").returncode != 0
    assert step(folder, "renew").returncode == 0
    assert step(folder, "retire-ca").returncode == 0

    assert trusts(folder / "ca.crt", certificate)
    assert (folder / "ca.crt").read_text().count("BEGIN") == 1
    assert first not in (folder / "ca.crt").read_text()


def test_on_kubernetes_each_server_has_a_secret_and_only_the_ca_is_for_all(state: Path) -> None:
    assert on_kubernetes(state, "make").returncode == 0
    before = contents(state)
    assert on_kubernetes(state, "make").returncode == 0

    assert contents(state) == before
    assert {path.name for path in (state / "internal-ca").iterdir()} == {"ca.crt"}
    assert {path.name for path in (state / "internal-ca-key").iterdir()} == {"ca.key"}
    servers = [path for path in state.iterdir() if path.name.startswith("tls-")]
    assert len(servers) == 6
    for server in servers:
        assert {path.name for path in server.iterdir()} == {"tls.crt", "tls.key", "tls.pem"}
        assert trusts(state / "internal-ca" / "ca.crt", server / "tls.crt")


def test_on_kubernetes_a_ca_is_replaced_in_three_steps(state: Path) -> None:
    on_kubernetes(state, "make")
    first = (state / "internal-ca" / "ca.crt").read_text()

    assert on_kubernetes(state, "replace-ca").returncode == 0
    assert on_kubernetes(state, "retire-ca").returncode != 0
    assert on_kubernetes(state, "renew").returncode == 0
    assert on_kubernetes(state, "retire-ca").returncode == 0

    assert first not in (state / "internal-ca" / "ca.crt").read_text()
    assert trusts(state / "internal-ca" / "ca.crt", state / "tls-nats" / "tls.crt")
    assert "restart statefulset/nats" in (state / "rollouts").read_text()


def test_a_cluster_that_does_not_answer_gets_no_new_ca(state: Path) -> None:
    on_kubernetes(state, "make")
    before = contents(state)
    (state / "kubectl").write_text(FAKE.replace("set -eu", 'set -eu; case "$*" in *" get "*) exit 1 ;; esac'))

    assert on_kubernetes(state, "make").returncode != 0
    assert on_kubernetes(state, "replace-ca").returncode != 0
    assert {**contents(state), "kubectl": b""} == {**before, "kubectl": b""}
