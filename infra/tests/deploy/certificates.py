"""Certificates of `infra/certificates.sh`, as production's servers and processes have them."""

import subprocess
from pathlib import Path

from infra.deploy.manifests.rendered import REPO


def step(folder: Path, name: str) -> "subprocess.CompletedProcess[str]":
    command: list[str | Path] = [REPO / "infra" / "certificates.sh", folder, name]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def made(folder: Path) -> Path:
    """A new CA and its certificates in this folder."""
    done = step(folder, "make")
    assert done.returncode == 0, done.stderr
    return folder


def placed(text: str, certificates: Path, server: str) -> str:
    """Text of a configuration of production, with this folder in place of the pod's."""
    return text.replace("/etc/tls", str(certificates / server)).replace("/etc/internal-ca", str(certificates))
