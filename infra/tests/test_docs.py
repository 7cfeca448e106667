"""The documents against the repository: links, paths, targets of make, modules of common, settings."""

import importlib
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from common.runtime.settings import ServiceSettings
from infra.deploy.manifests.rendered import REPO, SERVICES

TOP_LEVEL = ("common", *SERVICES, "infra", "docs", "examples", "base", "parts", "options", "overlays")
"""First folders of a path in backticks: of the repository, of a package's `src`, or of `infra/k8s`."""
EXTENSIONS = "py|md|yaml|yml|html|js|css|json|toml|lock|po|conf|sh|env|png|cfg|svg"
ABSENT = {"infra/mongo", "uv.lock"}
"""Paths that were removed later, by a decision that replaced another one; and paths that each machine
creates.
"""
ROOMS = sorted(readme.parent for readme in (REPO / "common/src/common").glob("*/README.md"))

_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`(?P<code>[^`\n]+)`")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_PATH = re.compile(rf"(?:{'|'.join(TOP_LEVEL)})(?:/[\w.-]+)+/?|[\w-]+\.(?:{EXTENSIONS})")
_TARGET = re.compile(r"\bmake (?P<target>[a-z][a-z0-9/-]*)")
_VARIABLE = re.compile(r"`(?P<name>[A-Z][A-Z_]+)`")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
_MODULE = re.compile(r"python -m (?P<module>[a-z_.]+)")
_PROSE = re.compile(r"\bmake (?:and|it|its|sure)\b")


@cache
def tracked() -> tuple[str, ...]:
    """Files of the checkout, new ones included; empty in a copy without git."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    done = subprocess.run(listed, cwd=REPO, capture_output=True, text=True, check=False)
    return tuple(name for name in done.stdout.splitlines() if (REPO / name).exists())


@cache
def documents() -> tuple[Path, ...]:
    found = [REPO / name for name in tracked() if name.endswith(".md")]
    return tuple(found or [*REPO.glob("*.md"), *REPO.glob("docs/**/*.md"), *REPO.glob("*/README.md")])


@cache
def targets() -> frozenset[str]:
    """Names that `make` accepts, those of `suite/%` and the like included."""
    printed = subprocess.run(
        ["make", "--no-print-directory", "-pRrnq", "help"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return frozenset(re.findall(r"^([a-z][a-z0-9/-]*):", printed, re.MULTILINE))


def anchors(document: Path) -> set[str]:
    """Anchors of the headings, in GitHub's format."""
    headings = _HEADING.findall(_FENCE.sub("", document.read_text()))
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


def places(path: str, document: Path) -> Iterator[Path]:
    """Possible places of a path in backticks: the root, the document, a package's code, or `infra/k8s`."""
    package = document.parent.name
    yield REPO / path
    yield REPO / path.split("/")[0] / "src" / path
    yield REPO / "infra" / "k8s" / path
    yield document.parent / path
    yield document.parent / "src" / package / path


def exists(path: str, document: Path) -> bool:
    if any(place.exists() for place in places(path, document)):
        return True
    # A name without a folder may belong to a file of any service, as in "each service's `test_queries.py`".
    return "/" not in path and any(name.split("/")[-1] == path for name in tracked())


def paths(document: Path) -> Iterator[str]:
    for code in _CODE.findall(_FENCE.sub("", document.read_text())):
        if (path := code.partition(":")[0]) and _PATH.fullmatch(path) and path not in ABSENT:
            yield path


def name_of(document: Path) -> str:
    return str(document.relative_to(REPO))


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_every_relative_link_resolves(document: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", document.read_text())):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_every_path_exists(document: Path) -> None:
    if document == REPO / "common/README.md" and not ROOMS:
        pytest.skip("written before common had rooms")
    assert [path for path in paths(document) if not exists(path, document)] == []


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_every_module_that_is_run_exists(document: Path) -> None:
    for module in set(_MODULE.findall(document.read_text())):
        assert importlib.util.find_spec(module) is not None, module


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_every_target_of_make_exists(document: Path) -> None:
    assert "suite/tickets" in targets()
    text = document.read_text()
    code = "\n".join([*_FENCE.findall(text), *_CODE.findall(_FENCE.sub("", text))])
    assert set(_TARGET.findall(_PROSE.sub("", code))) - targets() == set()


@pytest.mark.skipif(not ROOMS, reason="no room of common has a README yet")
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_of_common_names_its_modules(room: Path) -> None:
    text = (room / "README.md").read_text()
    modules = {path.name for path in room.glob("*.py")} - {"__init__.py", "__main__.py"}
    folders = {path.name for path in room.iterdir() if (path / "__init__.py").exists()}
    assert {name for name in modules | folders if f"`{name}" not in text} == set()


def variables(service: str) -> set[str]:
    settings: type[ServiceSettings] = importlib.import_module(f"{service}.settings").Settings
    return {field.upper() for field in settings.model_fields}


def named_by_row() -> Iterator[tuple[set[str], set[str]]]:
    """The variables and the services that read them, for each row of the README's table."""
    table = (REPO / "README.md").read_text().partition("\n## Settings\n")[2]
    for line in table.splitlines():
        if line.startswith("| `"):
            _, names, services, *_ = line.split("|")
            read_by = set(SERVICES) if services.strip() == "all" else set(re.split(r",\s*", services.strip()))
            yield set(_VARIABLE.findall(names)), read_by


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_names_the_settings_of_each_service(service: str) -> None:
    named = {name for names, services in named_by_row() if service in services for name in names}
    assert named == variables(service)


def test_the_readme_gives_a_setting_to_services_alone() -> None:
    assert {one for _, services in named_by_row() for one in services} <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_names_its_own_settings(service: str) -> None:
    """The service's README names them in a sentence, a table, or the first paragraph of a section."""
    text = (REPO / service / "README.md").read_text()
    listed = re.search(r"^(?:Settings\b.*:|\| setting \||## Settings\n)(?:.+\n)+", text, re.MULTILINE)
    assert listed is not None
    assert set(_VARIABLE.findall(listed[0])) == variables(service)
