"""Lock of a service: the packages that its image installs, with hashes that prevent any change."""

import re
from functools import cache

import pytest

from infra.deploy.manifests.rendered import REPO, SHIPPED

_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)(\[[a-z0-9,-]+\])?==[^\s;]+( ; [^\\]+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@cache
def locked(folder: str) -> dict[str, frozenset[str]]:
    """Hashes of each requirement; the key includes the requirement's marker."""
    text = (REPO / folder / "requirements.lock").read_text().replace("\\\n", "")
    found: dict[str, frozenset[str]] = {}
    for line in filter(None, text.splitlines()):
        pin, *hashes = re.split(r"\s+(?=--hash)", line.strip())
        found[pin] = frozenset(hashes)
    return found


@pytest.mark.parametrize("service", SHIPPED)
def test_every_line_is_one_version_with_its_hashes(service: str) -> None:
    for pin, hashes in locked(service).items():
        assert _PIN.fullmatch(pin), pin
        assert hashes, pin
        assert all(map(_HASH.fullmatch, hashes)), pin


@pytest.mark.parametrize("service", SHIPPED)
def test_no_line_is_an_address(service: str) -> None:
    """The machine's configuration selects the package index: docs/decisions/0001-lock.md."""
    text = (REPO / service / "requirements.lock").read_text()
    assert not re.search(r"://|@|^-(?!-hash)", text, flags=re.MULTILINE)


@pytest.mark.parametrize("service", SHIPPED)
def test_an_image_gets_what_the_tests_ran_with(service: str) -> None:
    """The marker may differ: a package that other packages need too is needed in more cases."""

    def bare(folder: str) -> set[tuple[str, frozenset[str]]]:
        return {(pin.split(" ;")[0], hashes) for pin, hashes in locked(folder).items()}

    assert bare(service)
    assert bare(service) <= bare(".")


@pytest.mark.parametrize("service", SHIPPED)
def test_no_tool_of_tests_is_installed(service: str) -> None:
    names = {pin.split("==")[0] for pin in locked(service)}
    assert not {"pytest", "mypy", "ruff", "mongomock-motor", "hypothesis", "playwright"} & names
