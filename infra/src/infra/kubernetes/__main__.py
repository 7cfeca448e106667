"""`python -m infra.kubernetes [--parts a,b]`: the suite on a real Kubernetes, from nothing to the last part.

Starts the cluster (or takes the one that KUBECONFIG names), builds and loads the images, applies
infra/k8s/overlays/test into an empty namespace, waits for every rollout, runs the parts, and removes all
again (KEEP=1 leaves it). Exits 1 if a part did not hold. Where no cluster can be had it says so: no failure.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from infra.kubernetes import images
from infra.kubernetes.cluster import NAMESPACE, PROCESSES, ROLLOUT_SECONDS, SERVERS, deployment, stateful_set
from infra.kubernetes.hosts import ROOT, Host, NoCluster, find
from infra.kubernetes.parts import PARTS

HOST_NAME = "ticketing.dev"
OVERLAY = str(ROOT / "infra" / "k8s" / "overlays" / "test")


@contextmanager
def step(name: str) -> Iterator[None]:
    print(name, flush=True)
    began = time.monotonic()
    yield
    print(f"          {time.monotonic() - began:.1f} s", flush=True)


def kubectl(host: Host, *arguments: str) -> None:
    subprocess.run([*host.kubectl, *arguments], check=True, stdout=subprocess.DEVNULL)


def remove(host: Host) -> None:
    """What was applied, and with the namespace what was made in it: secrets, claims, pods."""
    kubectl(host, "delete", "--kustomize", OVERLAY, "--ignore-not-found", f"--timeout={ROLLOUT_SECONDS}s")


def deploy(host: Host) -> None:
    with step("deploy"):
        env = {**os.environ, "KUBECTL": " ".join(host.kubectl)}
        secrets = ROOT / "infra" / "k8s" / "secrets.sh"
        subprocess.run(["sh", str(secrets)], env=env, check=True, stdout=subprocess.DEVNULL)
        kubectl(host, "apply", "--kustomize", OVERLAY)
        for name in (*map(stateful_set, SERVERS), *map(deployment, PROCESSES)):
            kubectl(
                host, "--namespace", NAMESPACE, "rollout", "status", name, f"--timeout={ROLLOUT_SECONDS}s"
            )


def try_parts(host: Host, names: list[str]) -> int:
    env = {
        **os.environ,
        "KUBECTL": " ".join(host.kubectl),
        "EDGE_URL": host.edge,
        "EDGE_HOST": HOST_NAME,
        "LOG_LEVEL": "ERROR",
    }
    command = [*host.inside, sys.executable, "-m", "infra.kubernetes.run", *names]
    return subprocess.run(command, env=env, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="infra.kubernetes", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    names = [name for name in parser.parse_args().parts.split(",") if name]
    if unknown := sorted(set(names) - set(PARTS)):
        raise SystemExit(f"No part is called {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    host = find()
    if host is None:
        print("SKIPPED: no cluster here. Set KUBECONFIG (see infra/kubernetes/hosts.py), or K8S_UP as root.")
        return 0
    try:
        with step("cluster"):
            host.start()
    except NoCluster as error:
        print(f"SKIPPED: the cluster did not start: {error}")
        return 0
    try:
        with step("empty namespace"):
            remove(host)
            host.forget()
        with step("images"):
            images.build(host)
        deploy(host)
        return try_parts(host, names)
    finally:
        if not os.environ.get("KEEP"):
            with step("clean up"):
                remove(host)
                host.stop()


if __name__ == "__main__":
    sys.exit(main())
