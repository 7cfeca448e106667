"""Host of the test: the cluster that KUBECONFIG names, else a cluster that is started for the test.

| variable | |
| --- | --- |
| KUBECONFIG | an existing cluster; then also the next three |
| K8S_BUILD | builds image $IMAGE from file $DOCKERFILE, context `.`, KIND=development; by default Docker |
| K8S_LOAD | loads image $IMAGE into the cluster, as `minikube image load $IMAGE` |
| EDGE_URL | address of its ingress controller, as `http://$(minikube ip)` |
| K8S_UP | program that starts a cluster on this machine, for root; by default the one beside this repo |
"""

import fcntl
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

ROOT = Path(__file__).resolve().parents[5]
UP = ROOT.parent / "shared" / "kubernetes" / "up.sh"
VOLUMES = Path("/var/lib/gittix-test")
"""Folder of the volumes on the node, which is this machine.

Each overlay's volumes.yaml contains the same path.
"""
LOCK = VOLUMES.with_suffix(".lock")
"""Lock file, held while a test runs on this machine's cluster."""


class NoCluster(Exception):
    """Reason, in one line, why this machine can't start a cluster. It is no failure of the application."""


class Host(Protocol):
    @property
    def kubectl(self) -> Sequence[str]: ...

    @property
    def inside(self) -> Sequence[str]:
        """Prefix of a command that needs the cluster's addresses."""

    @property
    def edge(self) -> str: ...

    ends: bool
    """Whether `stop` ends the cluster, with everything in it."""

    def start(self, namespace: str) -> None:
        """Start the cluster. `namespace` is the one that the application will create."""

    def hold(self) -> None:
        """Start the cluster for several tests, which use it one after another until `stop`."""

    def image(self, name: str, dockerfile: str, tree: Path) -> None:
        """Build the image from the sources in `tree`, and load it into the cluster."""

    def size(self, name: str) -> int | None:
        """Bytes of the image on disk; None if unknown."""

    def forget(self, volumes: Sequence[str]) -> None:
        """Delete the servers' data in these volumes."""

    def stop(self) -> None: ...


class Own:
    """Cluster on this machine, in its own network namespace; its ingress is at the node's address."""

    edge = "http://10.90.0.10"

    def __init__(self, up: Path) -> None:
        self._up = str(up)
        self.kubectl = (self._up, "kubectl")
        self.inside = (self._up, "ns")
        self.ends = False
        self._volumes: Sequence[str] = ()
        self._lock = ExitStack()

    def start(self, namespace: str) -> None:  # noqa: ARG002  # any namespace here is a test's
        """Start the cluster, unless it runs.

        Raises SystemExit while another test uses the cluster: each would delete the other's namespace. Raises
        NoCluster if this machine can't run one.
        """
        if not self._locked():
            raise SystemExit("Another run of this test has the cluster: wait for its end.")
        running = subprocess.run([*self.kubectl, "get", "--raw", "/readyz"], capture_output=True, check=False)
        if running.returncode != 0:
            # Docker, buildah and nginx of this machine may belong to other users: the program only installs
            # the missing ones.
            self.ends = True
            started = subprocess.run([self._up, "all"], capture_output=True, text=True, check=False)
            if started.returncode != 0:
                self.stop()
                raise NoCluster((started.stdout + started.stderr).strip().rpartition("\n")[2])

    def _locked(self) -> bool:
        lock = self._lock.enter_context(LOCK.open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            return False
        return True

    def hold(self) -> None:
        self.start("any")
        self._lock.close()

    def image(self, name: str, dockerfile: str, tree: Path) -> None:
        # The program passes on no build argument.
        text = (tree / dockerfile).read_text().replace("ARG KIND=production", "ARG KIND=development")
        with NamedTemporaryFile("w", prefix="Dockerfile-") as development:
            development.write(text)
            development.flush()
            _built([self._up, "image", name, str(tree), development.name], os.environ, tree)

    def size(self, name: str) -> int | None:
        folder = Path(os.environ.get("K8S_DIR") or Path.home() / ".cache" / "k8s") / "images"
        image = "python-slim" if name == BASE else "app-" + name.replace("/", "_").replace(":", "_")
        file = folder / f"{image}.tar"
        return file.stat().st_size if file.exists() else None

    def forget(self, volumes: Sequence[str]) -> None:
        self._volumes = volumes
        self._forget()
        for name in volumes:
            (VOLUMES / name).mkdir(parents=True)

    def _forget(self) -> None:
        for name in self._volumes:
            shutil.rmtree(VOLUMES / name, ignore_errors=True)

    def stop(self) -> None:
        """Stop the cluster if this host started it, unless another run has come to use it meanwhile."""
        self._forget()
        self._lock.close()
        if self.ends and self._locked():
            subprocess.run([self._up, "stop"], check=False, stdout=subprocess.DEVNULL)
        self._lock.close()


class Given:
    """Existing cluster of the user: the test changes only a new namespace in it."""

    inside: Sequence[str] = ()
    kubectl: Sequence[str] = ("kubectl",)
    ends = False

    def __init__(self, env: Mapping[str, str]) -> None:
        missing = [name for name in ("K8S_LOAD", "EDGE_URL") if not env.get(name)]
        if missing:
            raise SystemExit(
                f"With KUBECONFIG set {' and '.join(missing)} too: see infra/verify/kubernetes/hosts.py"
            )
        build = env.get("K8S_BUILD") or (
            "docker build --quiet --build-arg KIND=development --tag $IMAGE --file $DOCKERFILE ."
        )
        self._commands = (build, env["K8S_LOAD"])
        self.edge = env["EDGE_URL"]

    def start(self, namespace: str) -> None:
        """Raises SystemExit if the namespace exists: the test would delete the user's data in it."""
        found = subprocess.run(
            [*self.kubectl, "get", "namespace", namespace, "--ignore-not-found", "--output=name"],
            check=True,
            capture_output=True,
        )
        if found.stdout.strip():
            raise SystemExit(
                f"The cluster of KUBECONFIG has a namespace {namespace}: delete it first, if it is unused."
            )

    def hold(self) -> None:
        """No effect: it runs."""

    def image(self, name: str, dockerfile: str, tree: Path) -> None:
        env = {**os.environ, "IMAGE": name, "DOCKERFILE": dockerfile}
        for command in self._commands:
            _built(["sh", "-ec", command], env, tree)

    def size(self, name: str) -> int | None:  # noqa: ARG002  # unknown here
        return None

    def forget(self, volumes: Sequence[str]) -> None:
        """No effect: the volumes are deleted with the namespace's claims."""

    def stop(self) -> None: ...


def _built(command: Sequence[str], env: Mapping[str, str], tree: Path) -> None:
    """Run a build, and hide its output unless it fails. Raises SystemExit with the output then."""
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")


BASE = "python:3.11-slim"


def find(env: Mapping[str, str] = os.environ) -> Host | None:
    """Host of the test; None if no cluster is available.

    Only root can start a cluster, which needs new namespaces and networks.
    """
    if env.get("KUBECONFIG"):
        return Given(env)
    up = Path(env.get("K8S_UP") or UP)
    return Own(up) if up.exists() and os.geteuid() == 0 else None
