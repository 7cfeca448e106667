"""Code of the versions that run side by side: the last release, today's tree, and tomorrow's."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.dev.ports import SERVICES

ROOT = Path(__file__).resolve().parents[5]
HERE = Path(__file__).parent
RELEASE = HERE / "RELEASE"
TOMORROW = HERE / "tomorrow.patch"
CACHE = ROOT / ".tools" / "releases"
"""Folder of the extracted releases, each with its packages. git ignores it."""
PACKAGES = ("common", *SERVICES)


class NoHistory(Exception):
    """Reason, in one line, why this checkout can't contain the release. No failure of the application."""


@dataclass(frozen=True, slots=True)
class Version:
    """Code of one version. `tree` holds the packages' sources, `python` the packages that they need."""

    name: str
    tree: Path
    python: str = sys.executable

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": os.pathsep.join(str(self.tree / name / "src") for name in PACKAGES)}


def today() -> Version:
    return Version("today", ROOT)


def release_name() -> str:
    lines = RELEASE.read_text().splitlines()
    (name,) = (line.strip() for line in lines if line.strip() and not line.startswith("#"))
    return name


def release(root: Path = ROOT, cache: Path = CACHE) -> Version:
    """The last release, extracted from git, with its own packages, installed from its locks.

    Raises NoHistory, and SystemExit if the history is here without the release or an installation fails.
    """
    tree = extracted(root, cache)
    python = tree / ".venv" / "bin" / "python"
    installed = tree / ".installed"
    if not installed.exists():
        _install(tree, python)
        installed.touch()
    return Version(f"release {tree.name[:7]}", tree, str(python))


def extracted(root: Path = ROOT, cache: Path = CACHE) -> Path:
    """Tree of the last release, named as its commit. Raises as `release`."""
    commit = _commit(release_name(), root)
    tree = cache / commit
    if not tree.exists():
        _extract(commit, root, tree)
    return tree


def _commit(name: str, root: Path) -> str:
    """Full hash of the release."""
    if _git(root, "rev-parse", "--git-dir").returncode != 0:
        raise NoHistory("this tree is no git checkout")
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if found.returncode == 0:
        return found.stdout.decode().strip()
    if _git(root, "rev-list", "--count", "HEAD").stdout.strip() == b"1":
        raise NoHistory(f"this clone holds one commit, and not the release {name}")
    raise SystemExit(f"This clone does not hold the release {name}: `git fetch origin {name}`, then repeat.")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)


def _extract(commit: str, root: Path, tree: Path) -> None:
    archive = _git(root, "archive", "--format=tar", commit)
    if archive.returncode != 0:
        raise SystemExit(f"git archive {commit}: {archive.stderr.decode().strip()}")
    draft = tree.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(draft, filter="data")
    draft.rename(tree)


def _install(tree: Path, python: Path) -> None:
    """Install the packages that the release's images have, by the same locks."""
    uv = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    locks = [str(tree / service / "requirements.lock") for service in SERVICES]
    venv = str(python.parents[1])
    _run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, venv])
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), *locks])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr.strip()}")


def tomorrow(folder: Path, patch: Path = TOMORROW) -> Version:
    """Today's tree with the patch, in this new folder. Raises SystemExit if the patch does not apply."""
    for name in PACKAGES:
        source = ROOT / name / "src"
        shutil.copytree(source, folder / name / "src", ignore=shutil.ignore_patterns("__pycache__"))
    # Outside of the checkout for git, which otherwise skips files that the checkout ignores.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(
        ["git", "apply", "-C1", "--whitespace=nowarn", str(patch)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reasons = "; ".join(line.removeprefix("error: ") for line in done.stderr.splitlines())
        raise SystemExit(
            f"{patch.name} no longer applies to today's code ({reasons}). "
            "docs/decisions/0021-two-versions.md says how to renew it."
        )
    return Version("tomorrow", folder)
