"""The security log of a test, as a process would write it but for its bound."""

import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from common.base import security
from common.base.logs import JsonFormatter


class SecurityLines(logging.Handler):
    """texts: Lines so far."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter("tests"))
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(text) for text in self.texts]

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]


@pytest.fixture
def security_lines() -> Iterator[SecurityLines]:
    handler, log = SecurityLines(), logging.getLogger(security.LOGGER)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.setLevel(level)
    log.removeHandler(handler)
