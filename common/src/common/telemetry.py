"""JSON logs, and the trace that joins a request to the events it caused and to what they caused in turn."""

import json
import logging
import random
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

REQUEST_ID = "X-Request-Id"
TRACEPARENT = "traceparent"

_REQUEST_ID_SHAPE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT_SHAPE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Trace:
    """The request that all this is about; travels in HTTP headers and in event headers.

    `parent` is a W3C Trace Context `traceparent`, version 00.
    """

    request_id: str
    parent: str

    @classmethod
    def start(cls, request_id: str | None = None, parent: str | None = None) -> "Trace":
        """Joins the caller's trace where its headers are well formed, else begins one."""
        if parent is None or _TRACEPARENT_SHAPE.fullmatch(parent) is None:
            parent = f"00-{_random_hex(128)}-{_random_hex(64)}-01"
        if request_id is None or _REQUEST_ID_SHAPE.fullmatch(request_id) is None:
            request_id = parent[3:35]
        return cls(request_id, parent)

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> "Trace":
        return cls.start(headers.get(REQUEST_ID), headers.get(TRACEPARENT))

    def headers(self) -> dict[str, str]:
        """The headers for the next hop: the same trace, a span of its own."""
        span = f"{self.parent[:36]}{_random_hex(64)}{self.parent[52:]}"
        return {REQUEST_ID: self.request_id, TRACEPARENT: span}


def _random_hex(bits: int) -> str:
    """Unique, not secret: no system call for each request. Never all zeros, which means none."""
    return f"{random.getrandbits(bits) or 1:0{bits // 4}x}"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def enter(trace: Trace) -> None:
    """Makes `trace` the one of the current task."""
    _current.set(trace)


def current() -> Trace:
    trace = _current.get()
    if trace is None:
        trace = Trace.start()
        _current.set(trace)
    return trace


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, service, message, request_id, and whatever `extra` holds."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = _current.get()
        if trace is not None:
            line["request_id"] = trace.request_id
        line.update({k: v for k, v in vars(record).items() if k not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # a lone surrogate, an integer beyond 64 bits
            return json.dumps(line, default=str)


def configure_logging(service: str, level: str) -> None:
    """All logging of the process as JSON on stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "stripe", "arq.connections"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
