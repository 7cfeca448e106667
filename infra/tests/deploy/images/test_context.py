"""Files that Docker may read from the checkout, and code that an image does not contain."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.deploy.manifests.rendered import K8S, REPO, SHIPPED

DOCKERFILES = sorted(
    [
        *(REPO / name / "Dockerfile" for name in SHIPPED),
        *(K8S / "overlays" / "test" / "images").glob("*/Dockerfile"),
    ]
)


def admitted(path: str) -> bool:
    """Whether .dockerignore admits the path.

    The last pattern that matches the path, or a folder above it, decides.
    """
    ignored = False
    for line in (REPO / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#") and _pattern(line.lstrip("!")).fullmatch(path):
            ignored = not line.startswith("!")
    return not ignored


def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    regex = "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*)", glob))
    return re.compile(f"{regex}(?:/.*)?")


def copied(dockerfile: Path) -> Iterator[str]:
    """Sources that are copied from the checkout."""
    for line in dockerfile.read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            yield from (source.rstrip("/") for source in line.split()[1:-1])


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_what_is_copied_is_admitted(dockerfile: Path) -> None:
    for source in copied(dockerfile):
        assert admitted(source), source
        assert admitted(f"{source}/of/it") or source.endswith(".lock"), source


@pytest.mark.parametrize(
    "path",
    [
        ".data/jwt.key",
        ".env",
        ".git/config",
        ".venv/bin/python",
        "README.md",
        "auth/tests/test_app.py",
        "common/src/common/__pycache__/events.cpython-311.pyc",
        "common/src/common/testing/__init__.py",
        "examples/blog/src/blog/run/laptop.py",
        "infra/src/infra/verify/flows.py",
        "node_modules/x",
    ],
)
def test_what_no_image_needs_is_kept_out(path: str) -> None:
    """Secrets and a developer's files stay out of layers, and a build does not upload them."""
    assert not admitted(path)


def test_nothing_that_ships_imports_what_is_kept_out() -> None:
    """Also checks imports inside functions: a service would otherwise fail in production."""
    sources = [path for name in ("common", *SHIPPED) for path in (REPO / name / "src").rglob("*.py")]
    shipped = [path for path in sources if admitted(path.relative_to(REPO).as_posix())]

    assert len(shipped) > 100
    assert not [path for path in shipped if any(map(_kept_out, imported(path)))]


def _kept_out(module: str) -> bool:
    return f"{module}.".startswith(("common.testing.", "blog.run.", "infra."))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
