"""Trials of applications on a real Kubernetes cluster, each from an empty namespace to the end of its tests.

Starts the cluster (or uses the one that KUBECONFIG names), builds and loads the images. For each application,
applies its overlay to an empty namespace and waits for every rollout. Removes everything at the end (KEEP=1
leaves it).

`python -m infra.verify.kubernetes.trial COMMAND…` starts the cluster for several tests, one after another:
each in the command finds it running. The exit code is the command's.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from infra.verify.kubernetes import images
from infra.verify.kubernetes.application import Application
from infra.verify.kubernetes.cluster import ROLLOUT_SECONDS
from infra.verify.kubernetes.hosts import Host, NoCluster, find

Trial = tuple[Application, Sequence[str]]
"""Application, and the command that tests it."""


def run(*trials: Trial) -> int:
    """Run the trials; returns 0, or the exit code of the first command that failed.

    Each command runs where it reaches the cluster's addresses, with KUBECTL (the command), EDGE_URL and
    EDGE_HOST in its environment. The applications use one namespace, one after the other. If no cluster is
    available, this prints that and returns 0: it is no failure.
    """
    (namespace,) = {application.namespace for application, _ in trials}
    host = _started(lambda host: host.start(namespace))
    if host is None:
        return 0
    try:
        with _step("images"):
            dockerfiles = dict(one for application, _ in trials for one in application.images.items())
            trees = dict(one for application, _ in trials for one in application.trees.items())
            images.build(host, dockerfiles, trees)
        codes = [_try(host, *trial) for trial in trials]
        return next(filter(None, codes), 0)
    finally:
        if not os.environ.get("KEEP"):
            with _step("clean up"):
                if not host.ends:
                    _remove(host, trials[-1][0])
                host.stop()


def hold(command: Sequence[str]) -> int:
    """Run the command with a cluster that it finds running. If there is none, that is printed: no failure."""
    host = _started(lambda host: host.hold())
    if host is None:
        return 0
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        with _step("end of the cluster"):
            host.stop()


def _started(start: Callable[[Host], None]) -> Host | None:
    host = find()
    if host is None:
        print(
            "SKIPPED: no cluster here. Set KUBECONFIG (see infra/verify/kubernetes/hosts.py), "
            "or K8S_UP as root."
        )
        return None
    try:
        with _step("cluster"):
            start(host)
    except NoCluster as error:
        print(f"SKIPPED: the cluster did not start: {error}")
        return None
    return host


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
    """Remove the applied objects and the namespace with all its objects: secrets, claims, pods."""
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


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))
