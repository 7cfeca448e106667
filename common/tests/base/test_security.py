"""The security log: its lines, and the bound of a flood."""

import asyncio
import logging
from collections import Counter

import orjson
import pytest
from prometheus_client import REGISTRY

from common.base import flood, logs, security, tracing
from common.base.flood import FloodFilter, network_of
from common.base.security import SecurityEvent
from common.base.tracing import Trace
from common.testing.security import SecurityLines


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bound(clock: Clock, security_lines: SecurityLines) -> FloodFilter:
    bound = FloodFilter(clock)
    security_lines.addFilter(bound)
    return bound


def test_a_line_has_the_form_of_every_other(security_lines: SecurityLines) -> None:
    security.record(SecurityEvent.SIGN_IN_FAILED, client_address="203.0.113.9", status=400)

    (line,) = security_lines.lines
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "service": "tests",
        "logger": "security",
        "message": "sign in failed",
        "event": "authn_login_fail",
        "client_address": "203.0.113.9",
        "status": 400,
    }


@pytest.mark.parametrize("event", SecurityEvent)
def test_what_is_refused_is_a_warning(event: SecurityEvent, security_lines: SecurityLines) -> None:
    security.record(event)

    normal = event in {
        SecurityEvent.SIGN_IN_SUCCEEDED,
        SecurityEvent.SIGNED_UP,
        SecurityEvent.PASSWORD_CHANGED,
        SecurityEvent.EMAIL_CONFIRMED,
        SecurityEvent.ACCOUNT_DELETED,
        SecurityEvent.SESSION_ENDED,
        SecurityEvent.PASSKEY_ADDED,
        SecurityEvent.PASSKEY_REMOVED,
        SecurityEvent.KEY_ROTATED,
    }
    assert [line["level"] for line in security_lines.lines] == ["info" if normal else "warning"]


def test_the_level_of_the_other_logs_does_not_silence_it(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    former, level = root.handlers[:], root.level
    try:
        logs.configure_logging("tests", "ERROR")
        security.record(SecurityEvent.KEY_ROTATED, key_id="k1")
        for _ in range(flood.LINES_PER_ADDRESS + 1):
            security.record(SecurityEvent.ACCESS_DENIED, client_address="203.0.113.9")
    finally:
        root.handlers, root.level = former, level
        logging.getLogger(security.LOGGER).filters.clear()

    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["crypt_key_rotated"] + [
        "authz_fail"
    ] * flood.LINES_PER_ADDRESS
    assert lines[0]["key_id"] == "k1"


@pytest.mark.usefixtures("bound")
def test_a_flood_is_so_many_lines_and_then_their_number(clock: Clock, security_lines: SecurityLines) -> None:
    for _ in range(1_000):
        security.record(SecurityEvent.ACCESS_DENIED, client_address="203.0.113.9")
    security.record(SecurityEvent.ACCESS_DENIED, client_address="203.0.113.10")
    security.record(SecurityEvent.CROSS_SITE, client_address="203.0.113.9")
    clock.now = flood.SECONDS
    security.record(SecurityEvent.ACCESS_DENIED, client_address="203.0.113.9")

    lines = security_lines.lines
    assert len(lines) == flood.LINES_PER_ADDRESS + 4
    (told,) = [line for line in lines if "suppressed" in line]
    assert told["event"] == "authz_fail"
    assert told["client_address"] == "203.0.113.9"
    assert told["suppressed"] == 1_000 - flood.LINES_PER_ADDRESS


def test_a_flood_from_everywhere_is_bounded_too(
    bound: FloodFilter, clock: Clock, security_lines: SecurityLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood, "MAX_ADDRESSES", 500)
    for number in range(2_000):
        address = f"10.0.{number // 250}.{number % 250}"
        security.record(SecurityEvent.ACCESS_DENIED, client_address=address)
    assert len(security_lines.lines) == flood.LINES_PER_EVENT
    clock.now = flood.SECONDS
    bound.report()

    told = security_lines.lines[flood.LINES_PER_EVENT :]
    assert len(told) <= flood.REPORTED + 1
    assert sum(line["suppressed"] for line in told) == 2_000 - flood.LINES_PER_EVENT


def test_the_end_of_a_minute_names_so_many_addresses_and_sums_up_the_rest(
    bound: FloodFilter, security_lines: SecurityLines
) -> None:
    addresses = [f"10.0.0.{number}" for number in range(flood.REPORTED + 5)]
    for address in addresses * (flood.LINES_PER_ADDRESS + 1):
        security.record(SecurityEvent.ACCESS_DENIED, client_address=address)
    bound.report()

    reported = [line for line in security_lines.lines if "suppressed" in line]
    assert [line["suppressed"] for line in reported] == [1] * flood.REPORTED + [5]
    assert [line.get("client_address") for line in reported] == [*addresses[: flood.REPORTED], None]


@pytest.mark.usefixtures("bound")
def test_addresses_beyond_those_that_are_counted_share_one_count(
    security_lines: SecurityLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood, "MAX_ADDRESSES", 2)
    half = flood.LINES_PER_ADDRESS // 2
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.1"):
        for _ in range(half):
            security.record(SecurityEvent.ACCESS_DENIED, client_address=address)

    counts = Counter(line["client_address"] for line in security_lines.lines)
    assert counts == {"10.0.0.1": 2 * half, "10.0.0.2": half, "10.0.0.3": half, "10.0.0.4": half}


def test_events_without_an_address_are_bounded_and_summed_up_without_one(
    bound: FloodFilter, security_lines: SecurityLines
) -> None:
    for _ in range(flood.LINES_PER_ADDRESS + 3):
        security.record(SecurityEvent.WEBHOOK_REFUSED)
    bound.report()

    *written, sum_of_the_rest = security_lines.lines
    assert len(written) == flood.LINES_PER_ADDRESS
    assert sum_of_the_rest["suppressed"] == 3
    assert "client_address" not in sum_of_the_rest


def test_each_event_is_counted_also_without_a_line(security_lines: SecurityLines) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("security_events_total", {"event": "authz_fail"}) or 0

    before = count()
    security_lines.addFilter(lambda _: False)
    for _ in range(2):
        security.record(SecurityEvent.ACCESS_DENIED)

    assert count() == before + 2
    assert security_lines.lines == []


@pytest.mark.usefixtures("bound")
def test_the_end_of_a_minute_begins_another_count(clock: Clock, security_lines: SecurityLines) -> None:
    for minute in range(3):
        clock.now = minute * flood.SECONDS
        security.record(SecurityEvent.THROTTLED, client_address="203.0.113.9")

    assert len(security_lines.lines) == 3
    assert not any("suppressed" in line for line in security_lines.lines)


async def test_the_number_is_told_although_nothing_more_happens(
    monkeypatch: pytest.MonkeyPatch, security_lines: SecurityLines
) -> None:
    monkeypatch.setattr(flood, "SECONDS", 0.0)
    clock = Clock()
    clock.now = 1_000.0
    bound = FloodFilter(clock)
    security_lines.addFilter(bound)
    monkeypatch.setattr(flood, "LINES_PER_ADDRESS", 0)
    monkeypatch.setattr(bound, "_ends", clock.now + 0.01)
    tracing.enter(Trace.start("a request"))
    security.record(SecurityEvent.THROTTLED, client_address="203.0.113.9")
    assert security_lines.lines == []

    await logged(security_lines)

    (line,) = [line for line in security_lines.lines if "suppressed" in line]
    assert line["suppressed"] == 1
    assert "request_id" not in line, "it is no line of the request that came first"


async def logged(security_lines: SecurityLines) -> None:
    async with asyncio.timeout(10):
        while not security_lines.texts:
            await asyncio.sleep(0.001)


@pytest.mark.usefixtures("bound")
def test_sign_ins_that_succeed_are_all_written(security_lines: SecurityLines) -> None:
    for _ in range(2 * flood.LINES_PER_ADDRESS):
        security.record(SecurityEvent.SIGN_IN_SUCCEEDED, client_address="203.0.113.9")

    assert len(security_lines.lines) == 2 * flood.LINES_PER_ADDRESS


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("2001:db8::5", "2001:db8::/64"),
        ("unknown", "unknown"),
        (":not an address", ":not an address"),
    ],
)
def test_the_addresses_of_one_customer_are_counted_together(address: str, network: str) -> None:
    assert network_of(address) == network
