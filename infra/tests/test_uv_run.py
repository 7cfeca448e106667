"""`uv run` in any folder uses the locked packages of .venv: docs/decisions/0010-install-from-the-lock.md."""

import shutil
import subprocess
import tomllib
import venv
from pathlib import Path

import pytest

from infra.deploy.manifests.rendered import REPO

FOLDERS = (".", *tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"])


def _uv() -> str:
    """Path of uv: the one that the Makefile installs, else the one on PATH."""
    installed = REPO / ".tools/bin/uv"
    found = str(installed) if installed.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("no uv on this machine")
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The manifests of the repository, with an environment without packages."""
    copy = tmp_path / "checkout"
    for folder in FOLDERS:
        (copy / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / folder / "pyproject.toml", copy / folder)
    venv.create(copy / ".venv")
    return copy


def _content(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_uv_run_installs_nothing_and_resolves_nothing(folder: str, checkout: Path) -> None:
    before = _content(checkout)

    done = subprocess.run(
        [_uv(), "run", "--offline", "python", "-B", "-c", "import sys; print(sys.prefix)"],
        cwd=checkout / folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(checkout.parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip()) == (0, str(checkout / ".venv")), done.stderr
    assert _content(checkout) - before == set()
