"""Trace context: joins a request to the events that it caused, directly and through other events."""

import random
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

REQUEST_ID = "X-Request-Id"
TRACEPARENT = "traceparent"

_REQUEST_ID_SHAPE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT_SHAPE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Trace:
    """Trace context of a request, sent in HTTP headers and in event headers.

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


def current_or_none() -> Trace | None:
    return _current.get()


def current() -> Trace:
    trace = _current.get()
    if trace is None:
        trace = Trace.start()
        _current.set(trace)
    return trace
