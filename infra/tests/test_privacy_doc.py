"""docs/privacy.md against the code: every collection, and every field that a service writes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
TEXT = (REPO / "docs/privacy.md").read_text()
AUTH_ROOMS = ("sessions.py", "passkeys/repository.py", "passkeys/challenges.py")
STORES = {
    "auth": (
        "repository.py",
        "changes.py",
        "mail/mails.py",
        "links.py",
        "reset_requests.py",
        "sales.py",
        "notices.py",
        *AUTH_ROOMS,
    ),
    "tickets": ("repository.py", "new_listings.py"),
    "orders": ("repository.py",),
    "payments": ("repository.py", "charges.py", "declined_cards.py"),
}
"""The modules of each service that write documents of their own form; windows have one form."""
COLLECTION = re.compile(r'database\["(\w+)"\]|collection = "(\w+)"|Windows\(database, "(\w+)"\)')
NOT_STORED = {
    "auth": {"mail", "cents"},
    "tickets": {"available", "held", "cents", "count", "ordered"},
    "orders": set[str](),
    "payments": set[str](),
}
"""Keys of dictionaries in these modules that are no fields: of a log line or a mail, statuses, results."""
COMMON = {"_id", "version", "outbox", "id"}
"""Of every record, said once in the page; `id` is in a copy of another record."""


def sources(service: str) -> Iterator[Path]:
    yield from (REPO / service / "src" / service / name for name in STORES[service])


def rows(service: str) -> Iterator[tuple[str, str]]:
    """First cell, carried on over empty ones, and second cell of the service's rows."""
    first = ""
    for line in TEXT.splitlines():
        if line.startswith("| "):
            cells = line.split("|")
            first = cells[1].strip() or first
            if first.startswith(f"{service} "):
                yield first, cells[2]


def named(service: str, cell: int) -> set[str]:
    return {name for row in rows(service) for name in re.findall(r"`(\w+)`", row[cell])}


def written(service: str) -> set[str]:
    """Keys of the dictionaries in the modules: the fields of documents, of changes and of queries."""
    keys: set[str] = set()
    for source in sources(service):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Dict):
                texts = (key.value for key in node.keys if isinstance(key, ast.Constant))
                keys |= {text.partition(".")[0] for text in texts if isinstance(text, str)}
    return {key for key in keys if not key.startswith("$")}


@pytest.mark.parametrize("service", STORES)
def test_every_field_that_a_service_writes_is_explained(service: str) -> None:
    assert written(service) - NOT_STORED[service] - COMMON - named(service, 1) == set()


@pytest.mark.parametrize("service", STORES)
def test_every_collection_of_a_service_is_explained(service: str) -> None:
    modules = (REPO / service / "src" / service).rglob("*.py")
    found = {name for module in modules for match in COLLECTION.findall(module.read_text()) for name in match}

    assert found - {"", "fake_provider_intents"} == named(service, 0)
