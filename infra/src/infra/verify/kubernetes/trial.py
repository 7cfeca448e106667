"""Applications on a real Kubernetes, each from nothing until it was tried.

Starts the cluster (or takes the one that KUBECONFIG names), builds and loads the images. For each, applies
its overlay into an empty namespace and waits for every rollout. All is removed at the end (KEEP=1 leaves it).
"""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from infra.verify.kubernetes import images
from infra.verify.kubernetes.application import Application
from infra.verify.kubernetes.cluster import ROLLOUT_SECONDS
from infra.verify.kubernetes.hosts import Host, NoCluster, find

Trial = tuple[Application, Sequence[str]]
"""An application, and the command that tries it."""


def run(*trials: Trial) -> int:
    """0, or the exit code of the first command that failed.

    Each runs where the cluster's addresses can be reached, with KUBECTL (the command), EDGE_URL and EDGE_HOST
    in its environment. The applications share one namespace, one after the other. Where no cluster can be had
    this prints so, and returns 0: that is no failure.
    """
    (namespace,) = {application.namespace for application, _ in trials}
    host = find()
    if host is None:
        print(
            "SKIPPED: no cluster here. Set KUBECONFIG (see infra/verify/kubernetes/hosts.py), "
            "or K8S_UP as root."
        )
        return 0
    try:
        with _step("cluster"):
            host.start(namespace)
    except NoCluster as error:
        print(f"SKIPPED: the cluster did not start: {error}")
        return 0
    try:
        with _step("images"):
            images.build(host, dict(one for application, _ in trials for one in application.images.items()))
        codes = [_try(host, *trial) for trial in trials]
        return next(filter(None, codes), 0)
    finally:
        if not os.environ.get("KEEP"):
            with _step("clean up"):
                _remove(host, trials[-1][0])
                host.stop()


def _try(host: Host, application: Application, command: Sequence[str]) -> int:
    with _step("empty namespace"):
        _remove(host, application)
        host.forget(application.volumes)
    with _step("deploy"):
        _deploy(host, application)
    environment = {
        **_environment(host),
        "EDGE_URL": host.edge,
        "EDGE_HOST": application.host,
        "LOG_LEVEL": "ERROR",
    }
    return subprocess.run([*host.inside, *command], env=environment, check=False).returncode


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
