"""Production's connections between pods: each is TLS, and each end has what it needs for it."""

import subprocess
from pathlib import Path

from tests.deploy.certificates import made
from tests.deploy.manifests.code import is_ours

from infra.deploy.manifests.rendered import environment, of_kind, overlay, pods

PROD = overlay("prod")
CA = "/etc/internal-ca/ca.crt"
SERVERS = {one["metadata"]["name"] for one in of_kind(PROD, "StatefulSet")}


def test_every_address_of_a_server_is_tls_with_the_ca() -> None:
    for each in filter(is_ours, pods(PROD)):
        env = environment(PROD, each)
        if "MONGO_URI" in env:
            assert f"tls=true&tlsCAFile={CA}" in (env["MONGO_URI"] or "")
        if "NATS_URL" in env:
            assert all(url.startswith("tls://") for url in (env["NATS_URL"] or "").split(","))
            assert env["NATS_CA"] == CA
        if "REDIS_URL" in env:
            assert (env["REDIS_URL"] or "").startswith("rediss://expiration:$(REDIS_PASSWORD)@")
            assert f"ssl_ca_certs={CA}&ssl_check_hostname=true" in (env["REDIS_URL"] or "")


def test_no_switch_turns_a_check_off() -> None:
    text = str(PROD).lower()
    for switch in ("insecure", "tlsallowinvalid", "ssl_cert_reqs", "allow_non_tls", "prefertls", "allowtls"):
        assert switch not in text


def test_every_container_that_calls_a_server_has_the_ca() -> None:
    for each in pods(PROD):
        for container in each.containers:
            paths = {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts", ())}
            assert paths.get("internal-ca") == "/etc/internal-ca", (each.name, container["name"])
            assert ("tls" in paths) == (each.name.removeprefix("StatefulSet/") in SERVERS)


def test_the_certificates_are_of_the_servers_and_of_each_member_by_its_name(tmp_path: Path) -> None:
    folder = made(tmp_path)

    assert {path.name for path in folder.iterdir() if path.is_dir()} == SERVERS
    for server in SERVERS:
        names = subprocess.run(
            ["openssl", "x509", "-in", folder / server / "tls.crt", "-noout", "-ext", "subjectAltName"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for host in (f"{server}-srv", *(f"{server}-{member}.{server}-srv" for member in range(3))):
            assert f"DNS:{host}," in names or names.strip().endswith(f"DNS:{host}")
