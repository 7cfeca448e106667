"""docs/privacy.md against the code: every collection, and every field that a service writes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import auth.export
import orders.export
import payments.export
import tickets.export
from common.testing.memory import memory_database

REPO = Path(__file__).parents[2]
TEXT = (REPO / "docs/privacy.md").read_text()
DOCUMENTS, _, REST = TEXT.partition("\n## Not in the file")
NOT_EXPORTED = REST.partition("\n## ")[0]
AUTH_ROOMS = ("sessions.py", "deletions.py", "passkeys/repository.py", "passkeys/challenges.py")
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
    "tickets": ("repository.py", "new_listings.py", "files/record.py"),
    "orders": ("repository.py",),
    "payments": ("repository.py", "charges.py", "declined_cards.py"),
}
"""The modules of each service that write documents of their own form; windows have one form."""
COLLECTION = re.compile(r'database\["(\w+)"\]|collection = "(\w+)"|Windows\(database, "(\w+)"\)')
FILE = {"name", "type", "bytes", "pages", "object", "key_id", "wrapped_key"}
"""Fields inside of `file` and `sealed`."""
NOT_STORED = {
    "auth": {"mail", "cents", "title", "day"},
    "tickets": {"available", "held", "cents", "count", "ordered", *FILE},
    "orders": set[str](),
    "payments": set[str](),
}
"""Keys of dictionaries in these modules that are no fields: of a log line or a mail, statuses, results."""
COMMON = {"_id", "version", "outbox", "id"}
"""Of every record, said once in the page; `id` is in a copy of another record."""
EXPORTS = {
    "auth": auth.export.exports,
    "tickets": tickets.export.exports,
    "orders": orders.export.exports,
    "payments": payments.export.exports,
}
OWNER = {"user_id", "seller_id"}
"""The ids of the file's own user, by which its records are found."""


def sources(service: str) -> Iterator[Path]:
    yield from (REPO / service / "src" / service / name for name in STORES[service])


def rows(service: str, text: str = DOCUMENTS) -> Iterator[tuple[str, str]]:
    """First cell, carried on over empty ones, and second cell of the service's rows."""
    first = ""
    for line in text.splitlines():
        if line.startswith("| "):
            cells = line.split("|")
            first = cells[1].strip() or first
            if first.startswith(f"{service} "):
                yield first, cells[2]


def named(service: str, cell: int, text: str = DOCUMENTS) -> set[str]:
    return {name for row in rows(service, text) for name in re.findall(r"`(\w+)`", row[cell])}


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

    of_us = {name for name in found if name and not name.startswith("fake_provider_")}
    assert of_us == named(service, 0)


def fields_of(service: str, text: str) -> dict[str, set[str]]:
    """The fields of each collection, without those inside of another field, which are in brackets."""
    fields: dict[str, set[str]] = {}
    for first, second in rows(service, text):
        for collection in re.findall(r"`(\w+)`", first):
            outer = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", second))
            fields.setdefault(collection, set()).update(outer)
    return fields


@pytest.mark.parametrize("service", STORES)
def test_a_field_is_in_a_users_file_or_is_left_out_for_a_reason(service: str) -> None:
    sections = EXPORTS[service](memory_database()).sections
    left_out = fields_of(service, NOT_EXPORTED)
    for collection, stored in fields_of(service, DOCUMENTS).items():
        of_it = [section for section in sections.values() if section.documents.name == collection]
        exported = {field for section in of_it for field in section.fields}
        secrets = {field for section in of_it for field in section.secrets}
        reasons = left_out.get(collection, set())

        assert stored - exported - reasons - COMMON - OWNER == set(), collection
        assert exported & reasons == set(), collection
        assert secrets <= reasons, collection


@pytest.mark.parametrize("service", STORES)
def test_every_collection_is_in_a_users_file_or_is_left_out_for_a_reason(service: str) -> None:
    sections = set(EXPORTS[service](memory_database()).sections)

    assert named(service, 0) - sections - set(fields_of(service, NOT_EXPORTED)) == set()
