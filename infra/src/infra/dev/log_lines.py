"""Readable log lines for a person at a terminal, from the processes' JSON lines."""

from collections.abc import Mapping
from typing import Any

import orjson

_KNOWN = frozenset({"time", "level", "service", "logger", "message", "exception", "request_id"})


def readable(line: str) -> str | None:
    """A JSON line of a service, the edge or MongoDB in words; None for a line that only reports normal work.

    Normal work: lines below a warning, except of requests that failed (5xx). A line that is no JSON object
    stays unchanged.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    if not isinstance(record, dict):
        return line
    if "service" in record:
        return _of_service(record)
    if "msg" in record:
        level = str(record.get("level", "error"))
        return None if level in {"debug", "info"} else f"{level}: {record['msg']}"
    return line


def _of_service(record: Mapping[str, Any]) -> str | None:
    level = record.get("level")
    if level in {"debug", "info"} and not _is_failure(record):
        return None
    details = ", ".join(f"{name}={value}" for name, value in record.items() if name not in _KNOWN)
    text = f"{record.get('message')} ({details})" if details else f"{record.get('message')}"
    text = text if level == "info" else f"{level}: {text}"
    return "\n".join([text, *str(record.get("exception", "")).splitlines()])


def _is_failure(record: Mapping[str, Any]) -> bool:
    status = record.get("status")
    return isinstance(status, int) and status >= 500
