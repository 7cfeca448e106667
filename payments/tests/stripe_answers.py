"""Answers of the Stripe server of the tests."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from fastapi import Request, Response

Record: TypeAlias = dict[str, Any]
Answer: TypeAlias = tuple[int, Record]
Act: TypeAlias = Callable[[Mapping[str, str]], Awaitable[Answer]]
Once: TypeAlias = Callable[[Request, Act], Awaitable[Response]]
"""Runs an act once for its idempotency key."""


def missing(what: str, record_id: str) -> Record:
    return error("invalid_request_error", "resource_missing", f"No such {what}: {record_id}", "id")


def refused(code: str, message: str) -> Answer:
    return 400, error("invalid_request_error", code, message)


def error(kind: str, code: str | None, message: str, param: str | None = None) -> Record:
    return {"error": {"type": kind, "code": code, "message": message, "param": param}}


def listed(url: str, records: list[Record]) -> Record:
    return {"object": "list", "url": url, "has_more": False, "data": records}
