"""The language of a user's mails."""

import httpx
import pytest

from auth.mail.languages import asked
from common.persistence.mongo import Database

ADA = {"email": "ada@example.test", "password": "correct horse"}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("zh-Hans", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("EN", "en"),
        (" en-GB ;q=1", "en"),
        ("fr,en", ""),
        ("", ""),
        ("*", ""),
        ("," * 10_000 + "zh", ""),
    ],
)
def test_a_language_of_ours_that_comes_first_is_taken(header: str, code: str) -> None:
    assert asked(header) == code


async def _language_of_the_newest_mail(database: Database) -> str:
    (mail,) = await database["mails"].find({}, sort=[("at", -1)], limit=1)
    language: str = mail["language"]
    return language


async def test_mails_are_in_the_language_of_the_page_that_signed_up_or_in_last(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.post("/api/users/signup", json=ADA, headers={"Accept-Language": "zh-Hans"})
    assert await _language_of_the_newest_mail(database) == "zh"

    for header, language in (("", "zh"), ("fr", "zh"), ("en", "en")):
        await client.post("/api/users/signin", json=ADA, headers={"Accept-Language": header})
        (user,) = await database["users"].find({})
        assert user["language"] == language
