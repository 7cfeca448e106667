"""The pages of what a service stores about one user."""

import pytest

from common.base import times
from common.base.errors import BadRequest
from common.persistence.export import PAGE, Exports, Section, by
from common.persistence.mongo import Database
from common.testing.memory import memory_database

SECRET = {"token_hash": "a secret"}


@pytest.fixture
def database() -> Database:
    return memory_database()


@pytest.fixture
def exports(database: Database) -> Exports:
    return Exports(
        {
            "letters": Section(database["letters"], by("user_id"), ("sent_at", "lines"), ("token_hash",)),
            "notes": Section(database["notes"], by("_id"), ("text",)),
        }
    )


async def all_of(exports: Exports, user_id: str) -> list[object]:
    found: list[object] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await exports.page(user_id, cursor)
        assert len(page.records) <= PAGE
        found += page.records
        cursor = page.following
    return found


async def test_every_record_is_in_one_page_and_no_other_users(database: Database, exports: Exports) -> None:
    for number in range(2 * PAGE):
        for user in ("ada", "bob"):
            await database["letters"].insert_one({"_id": f"{user}:{number:03}", "user_id": user})
    await database["notes"].insert_one({"_id": "ada", "text": "Buy tea"})

    letters = [{"collection": "letters", "id": f"ada:{number:03}"} for number in range(2 * PAGE)]
    note = {"collection": "notes", "id": "ada", "text": "Buy tea"}
    assert await all_of(exports, "ada") == [*letters, note]


async def test_only_named_fields_are_exported_and_of_a_secret_that_it_exists(
    database: Database, exports: Exports
) -> None:
    at = times.now()
    lines = [{"line_number": 1, "at": at}]
    private = {"buyer": "bob", **SECRET}
    await database["letters"].insert_one(
        {"_id": "1", "user_id": "ada", "sent_at": at, "lines": lines, **private}
    )

    (record,) = await all_of(exports, "ada")

    assert record == {
        **{"collection": "letters", "id": "1", "sentAt": times.iso(at), "tokenHash": True},
        "lines": [{"lineNumber": 1, "at": times.iso(at)}],
    }


@pytest.mark.parametrize("cursor", ["other:1", "other", ":1", "letters\x00:"])
async def test_a_made_up_cursor_is_refused(exports: Exports, cursor: str) -> None:
    with pytest.raises(BadRequest):
        await exports.page("ada", cursor)
