"""One application on a real Kubernetes, from nothing until it was tried.

Starts the cluster (or takes the one that KUBECONFIG names), builds and loads the images, applies the overlay
into an empty namespace, waits for every rollout, and removes all again (KEEP=1 leaves it).
"""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from infra.kubernetes import images
from infra.kubernetes.application import Application
from infra.kubernetes.cluster import ROLLOUT_SECONDS
from infra.kubernetes.hosts import Host, NoCluster, find


def run(application: Application, command: Sequence[str]) -> int:
    """The exit code of `command`, run where the cluster's addresses can be reached.

    It has KUBECTL (the command), EDGE_URL and EDGE_HOST in its environment. Where no cluster can be had this
    says so, and returns 0: that is no failure.
    """
    host = find()
    if host is None:
        print("SKIPPED: no cluster here. Set KUBECONFIG (see infra/kubernetes/hosts.py), or K8S_UP as root.")
        return 0
    try:
        with _step("cluster"):
            host.start(application.namespace)
    except NoCluster as error:
        print(f"SKIPPED: the cluster did not start: {error}")
        return 0
    try:
        with _step("empty namespace"):
            _remove(host, application)
            host.forget(application.volumes)
        with _step("images"):
            images.build(host, application)
        with _step("deploy"):
            _deploy(host, application)
        environment = {
            **_environment(host),
            "EDGE_URL": host.edge,
            "EDGE_HOST": application.host,
            "LOG_LEVEL": "ERROR",
        }
        return subprocess.run([*host.inside, *command], env=environment, check=False).returncode
    finally:
        if not os.environ.get("KEEP"):
            with _step("clean up"):
                _remove(host, application)
                host.stop()


@contextmanager
def _step(name: str) -> Iterator[None]:
    print(name, flush=True)
    began = time.monotonic()
    yield
    print(f"          {time.monotonic() - began:.1f} s", flush=True)


def _environment(host: Host) -> dict[str, str]:
    return {**os.environ, "KUBECTL": " ".join(host.kubectl)}


def _kubectl(host: Host, *arguments: str) -> None:
    subprocess.run([*host.kubectl, *arguments], check=True, stdout=subprocess.DEVNULL)


def _remove(host: Host, application: Application) -> None:
    """What was applied, and with the namespace what was made in it: secrets, claims, pods."""
    overlay = str(application.overlay)
    _kubectl(host, "delete", "--kustomize", overlay, "--ignore-not-found", f"--timeout={ROLLOUT_SECONDS}s")


def _deploy(host: Host, application: Application) -> None:
    if application.secrets is not None:
        script = ["sh", str(application.secrets)]
        subprocess.run(script, env=_environment(host), check=True, stdout=subprocess.DEVNULL)
    _kubectl(host, "apply", "--kustomize", str(application.overlay))
    for name in application.workloads:
        rollout = ("rollout", "status", name, f"--timeout={ROLLOUT_SECONDS}s")
        _kubectl(host, "--namespace", application.namespace, *rollout)
