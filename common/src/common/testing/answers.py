"""What an answer says, after a check that it says it as the contract has it."""

import re
from typing import Any

import httpx
from fastapi import FastAPI

_KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def entries_of(response: httpx.Response, status: int) -> list[dict[str, Any]]:
    """The entries of an error answer: each a code and a message, and a field only where one applies."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["errors"]
    for entry in body["errors"]:
        assert set(entry) in ({"code", "message"}, {"code", "message", "field"})
        assert all(isinstance(value, str) and value for value in entry.values())
        assert _KEBAB_CASE.fullmatch(entry["code"]), entry
    entries: list[dict[str, Any]] = body["errors"]
    assert entries
    return entries


def errors_of(response: httpx.Response, status: int) -> list[dict[str, Any]]:
    """`entries_of` without the codes."""
    return [{k: v for k, v in entry.items() if k != "code"} for entry in entries_of(response, status)]


def codes_of(response: httpx.Response, status: int) -> dict[str | None, str]:
    """The code of each bad field of an error answer; under None, of an entry without a field."""
    entries = entries_of(response, status)
    codes: dict[str | None, str] = {entry.get("field"): entry["code"] for entry in entries}
    assert len(codes) == len(entries), response.text
    return codes


def code_of(response: httpx.Response, status: int) -> str:
    """The code of an error answer that has exactly one entry."""
    (entry,) = entries_of(response, status)
    code: str = entry["code"]
    return code


def message_of(response: httpx.Response, status: int) -> str:
    """The message of an error answer that has exactly one."""
    (entry,) = errors_of(response, status)
    message: str = entry["message"]
    return message


async def codes_of_bad_parameters(
    client: httpx.AsyncClient, app: FastAPI, headers: dict[str, str]
) -> set[str]:
    """The codes of the refusals of odd values, of each query parameter of `app`'s lists."""
    codes: set[str] = set()
    for path, operations in app.openapi()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            if parameter["in"] != "query":
                continue
            for value in ("", "x", "-1", "\0", "x" * 300):
                response = await client.get(path, params={parameter["name"]: value}, headers=headers)
                if response.status_code != 200:
                    codes |= set(codes_of(response, 400).values())
    return codes


def next_page(response: httpx.Response) -> str | None:
    """Where the `Link` header says that the next page is."""
    link = response.links.get("next")
    return None if link is None else link["url"]
