import json
import logging
import sys
from contextvars import Context

import pytest

from common.base import logs, tracing
from common.base.logs import JsonFormatter
from common.base.tracing import Trace

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def a_line(message: str = "hello", **extra: object) -> dict[str, object]:
    record = logging.makeLogRecord({"msg": message, "name": "n", "levelname": "INFO", **extra})
    text = JsonFormatter("tickets").format(record)
    assert "\n" not in text
    line: dict[str, object] = json.loads(text)
    return line


def test_a_log_line_is_one_json_object_with_what_extra_holds() -> None:
    line = a_line("two\nlines", status=200, odd={1, 2}.__class__)

    assert line["message"] == "two\nlines"
    assert (line["level"], line["service"], line["logger"], line["status"]) == ("info", "tickets", "n", 200)
    assert str(line["time"]).endswith("+00:00")
    assert line["odd"] == "<class 'set'>"


async def test_a_log_line_names_its_request() -> None:
    tracing.enter(Trace.start("the-request"))

    assert a_line()["request_id"] == "the-request"


def test_a_log_line_tells_the_exception() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        line = a_line(exc_info=sys.exc_info())

    assert "ValueError: broken" in str(line["exception"])
    assert "Traceback" in str(line["exception"])


@pytest.mark.parametrize(
    "odd", ["\ud800", ["\ud800", {1}], 2**70, {1: "a number as a key"}, b"bytes", float("nan")]
)
def test_no_value_keeps_a_line_from_being_written(odd: object) -> None:
    assert a_line("seen", odd=odd)["message"] == "seen"


def test_logging_goes_to_stdout_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        root.handlers.clear()
        logs.configure_logging("tickets", "INFO")
        logging.getLogger("any").info("hello %s", "world")
        logging.getLogger("any").debug("unheard")
    finally:
        root.handlers, root.level = before

    (line,) = capsys.readouterr().out.splitlines()
    written = json.loads(line)
    assert (written["message"], written["service"]) == ("hello world", "tickets")


def test_a_trace_joins_its_caller() -> None:
    trace = Trace.start("r-1", PARENT)

    assert trace == Trace("r-1", PARENT)
    headers = trace.headers()
    assert headers["X-Request-Id"] == "r-1"
    assert headers["traceparent"][:36] == PARENT[:36]
    assert headers["traceparent"][36:52] != PARENT[36:52]
    assert Trace.of_headers(headers) == Trace("r-1", headers["traceparent"])


def test_what_happens_outside_of_a_request_has_one_trace() -> None:
    def traces() -> tuple[Trace, Trace]:
        return tracing.current(), tracing.current()

    first, second = Context().run(traces)

    assert first == second


@pytest.mark.parametrize("bad", [None, "", "a b", "x" * 65, "a\nb", "é", '"'])
def test_a_malformed_request_id_is_replaced(bad: str | None) -> None:
    trace = Trace.start(bad, PARENT)

    assert trace.request_id == PARENT[3:35]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "00",
        PARENT.upper(),
        PARENT + "-x",
        PARENT.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-{'1' * 16}-01",
    ],
)
def test_a_malformed_traceparent_is_replaced(bad: str | None) -> None:
    first, second = Trace.start(None, bad), Trace.start(None, bad)

    assert first.parent != second.parent
    assert Trace.start(None, first.parent) == first
