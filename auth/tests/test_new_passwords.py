"""Which new passwords are refused, and why."""

from pathlib import Path

import httpx
import pytest

from auth import common_passwords, new_passwords
from auth.common_passwords import COUNT, DIGEST_BYTES, is_common, table_of, write_table
from auth.domain import MAX_PASSWORD, MIN_PASSWORD, Email
from common.base.errors import InvalidValue
from common.contract.error_codes import ErrorCode
from common.testing.answers import entries_of

ADA = Email.parse("Ada.Lovelace+tickets@example.test")


def refusal(password: str, email: Email | None = ADA) -> str | None:
    try:
        new_passwords.check(password, email)
    except InvalidValue as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    "password",
    ["12345678", "password", "qwerty123", "iloveyou", "football", "11111111", "1q2w3e4r5t", "trustno1"],
)
def test_a_common_password_is_refused_in_any_case_and_form(password: str) -> None:
    wide = "".join(chr(ord(character) + 0xFEE0) for character in password)

    assert [refusal(text) for text in (password, password.upper(), wide)] == [ErrorCode.PASSWORD_COMMON] * 3


@pytest.mark.parametrize(
    "password",
    [
        "Ada.Lovelace+tickets@example.test",
        "adalovelace",
        "ADA_LOVELACE",
        "Ada Lovelace 1815",
        "1815adalovelace!",
        "ada.lovelace+tickets",
        "AdaLovelaceTickets1",
    ],
)
def test_the_email_is_no_password_nor_is_its_name_with_a_few_digits(password: str) -> None:
    assert refusal(password) == ErrorCode.PASSWORD_LIKE_EMAIL
    assert refusal(password, None) is None


@pytest.mark.parametrize("password", ["gittix123", "GitTix2026", "Git-Tix!2026", "2026gittix", "gittix.."])
def test_the_name_of_the_site_is_no_password(password: str) -> None:
    assert refusal(password) == ErrorCode.PASSWORD_LIKE_SITE


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "gittix correct horse",
        "ada.lovelace wrote programs",
        "adalovelace18151852",
        "adalovelacebyr",
        "demo-tickets-2026",
        "密码密码密码密码",
    ],
)
def test_a_password_that_only_contains_a_name_is_taken(password: str) -> None:
    assert refusal(password) is None


@pytest.mark.parametrize(
    ("length", "refused"), [(MIN_PASSWORD - 1, True), (MIN_PASSWORD, False), (MAX_PASSWORD, False)]
)
def test_a_password_has_its_bounds(length: int, refused: bool) -> None:
    password = ("xq7 vw" * MAX_PASSWORD)[:length]

    assert refusal(password) == (ErrorCode.PASSWORD_INVALID if refused else None)
    assert refusal("x" * (MAX_PASSWORD + 1)) == ErrorCode.PASSWORD_INVALID
    with pytest.raises(InvalidValue, match=f"{MIN_PASSWORD} to {MAX_PASSWORD}"):
        new_passwords.check("", None)


def test_a_name_before_several_tags_is_no_password() -> None:
    email = Email.parse("ada.lovelace+tickets+opera@example.test")

    assert refusal("adalovelace1815", email) == ErrorCode.PASSWORD_LIKE_EMAIL


@pytest.mark.parametrize("email", ["_@example.test", "a@example.test"])
def test_a_name_of_few_letters_refuses_little(email: str) -> None:
    assert refusal("correct horse", Email.parse(email)) is None
    assert refusal("a8271946", Email.parse(email)) is None


async def test_the_refusal_of_a_sign_up_says_why(client: httpx.AsyncClient) -> None:
    body = {"email": "ada@example.test", "password": "ada12345"}

    refused = await client.post("/api/users/signup", json=body)

    assert entries_of(refused, 400) == [
        {
            "code": "password-like-email",
            "message": "Password must not be like the email",
            "field": "password",
        }
    ]


async def test_a_bad_email_and_a_common_password_are_both_named(client: httpx.AsyncClient) -> None:
    refused = await client.post("/api/users/signup", json={"email": "ada", "password": "12345678"})

    assert [entry["code"] for entry in entries_of(refused, 400)] == ["email-invalid", "password-common"]


async def test_an_account_with_a_common_password_still_signs_in(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"email": "ada@example.test", "password": "password"}
    with monkeypatch.context() as before:
        before.setattr(new_passwords, "is_common", lambda _: False)
        assert (await client.post("/api/users/signup", json=body)).status_code == 201

    assert (await client.post("/api/users/signin", json=body)).status_code == 200


def test_the_table_has_as_many_entries_as_it_says() -> None:
    table = common_passwords._table()
    entries = [table[at : at + DIGEST_BYTES] for at in range(0, len(table), DIGEST_BYTES)]

    assert len(set(entries)) == COUNT
    assert entries == sorted(entries)


def test_other_passwords_are_not_taken_for_common_ones() -> None:
    assert not any(is_common(f"no such password {number}") for number in range(20_000))


def test_a_table_is_of_the_first_long_passwords_of_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common_passwords, "COUNT", 2)
    table = table_of(["short", "PASSWORD", "password", "football", "too late"])
    monkeypatch.setattr(common_passwords, "_table", lambda: table)

    assert [is_common(word) for word in ("Password", "football", "too late", "short")] == [
        *(True, True, False, False)
    ]


def test_a_list_in_any_encoding_makes_a_table(tmp_path: Path) -> None:
    source, target = tmp_path / "list.txt", tmp_path / "table.bin"
    source.write_bytes(b"password\r\nfootball\n\xff\xfe no utf-8\n")

    write_table(source, target)

    assert target.read_bytes() == table_of(["football", "\ufffd\ufffd no utf-8", "password"])
