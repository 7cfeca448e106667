"""What an answer says, after a check that it says it as the contract has it."""

from typing import Any

import httpx


def errors_of(response: httpx.Response, status: int) -> list[dict[str, Any]]:
    """The entries of an error answer: each a message, and a field only where one applies."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["errors"]
    for entry in body["errors"]:
        assert set(entry) in ({"message"}, {"message", "field"})
        assert all(isinstance(value, str) and value for value in entry.values())
    entries: list[dict[str, Any]] = body["errors"]
    assert entries
    return entries


def message_of(response: httpx.Response, status: int) -> str:
    """The message of an error answer that has exactly one."""
    (entry,) = errors_of(response, status)
    message: str = entry["message"]
    return message


def next_page(response: httpx.Response) -> str | None:
    """Where the `Link` header says that the next page is."""
    link = response.links.get("next")
    return None if link is None else link["url"]
