from datetime import timedelta

import pytest

from common.runtime.settings import load
from common.testing.browser import JWT_KEY, JWT_PUBLIC_KEYS
from common.testing.process import run_module
from common.testing.refusal import refusal
from orders.fulfilment.terms import Terms
from orders.settings import Settings

GOOD = {
    "MONGO_URI": "mongodb://mongo",
    "NATS_URL": "nats://nats",
    "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
    "RECEIPT_KEYS": "r" * 32,
}


@pytest.mark.parametrize("variable", GOOD)
def test_a_missing_variable_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    others = {name: value for name, value in GOOD.items() if name != variable}

    assert refusal(Settings, others, environment, capsys) == f"Cannot start: set {variable} (missing)\n"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MONGO_URI", ""),
        ("MONGO_URI", "http://mongo"),
        ("MONGO_URI", "mongodb://"),
        ("NATS_URL", "nats"),
        ("NATS_URL", "redis://nats"),
        ("JWT_PUBLIC_KEYS", "too short"),
        ("JWT_PUBLIC_KEYS", JWT_KEY),
        ("RECEIPT_KEYS", "too short"),
        ("RECEIPT_KEYS", "r" * 32 + ","),
        ("PORT", "http"),
        ("LOG_LEVEL", "LOUD"),
        ("COOKIE_SECURE", "maybe"),
        ("ORDER_HOLD_SECONDS", "0"),
        ("ORDER_HOLD_SECONDS", "-1"),
        ("ORDER_HOLD_SECONDS", "a while"),
        ("MAX_OPEN_ORDERS", "0"),
        ("MAX_OPEN_ORDERS", "1000001"),
        ("REORDER_PAUSE_SECONDS", "-1"),
        ("REORDER_PAUSE_SECONDS", "86401"),
        ("DELIVERY_SECONDS", "0"),
        ("ACCEPTANCE_SECONDS", "2592001"),
    ],
)
def test_a_malformed_variable_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    said = refusal(Settings, GOOD | {variable: value}, environment, capsys)

    assert said.startswith(f"Cannot start: set {variable} (")
    assert said.count("\n") == 1


def test_a_hold_lasts_fifteen_minutes_unless_set(environment: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        environment.setenv(name, value)
    assert load(Settings).order_hold_seconds == 900

    environment.setenv("ORDER_HOLD_SECONDS", "5")
    assert load(Settings).order_hold_seconds == 5


def test_a_seller_has_48_hours_and_a_buyer_7_days_unless_set(environment: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        environment.setenv(name, value)
    assert load(Settings).terms() == Terms(timedelta(hours=48), timedelta(days=7))

    environment.setenv("DELIVERY_SECONDS", "3")
    environment.setenv("ACCEPTANCE_SECONDS", "2")
    assert load(Settings).terms() == Terms(timedelta(seconds=3), timedelta(seconds=2))


def test_several_keys_of_receipts_are_read_in_their_order(environment: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        environment.setenv(name, value)
    environment.setenv("RECEIPT_KEYS", f"{'n' * 32}, {'o' * 32}")
    assert load(Settings).receipt_keys == ("n" * 32, "o" * 32)
    assert "n" * 32 not in repr(load(Settings))


def test_a_buyer_holds_five_unpaid_orders_and_the_first_pause_is_15_minutes_unless_set(
    environment: pytest.MonkeyPatch,
) -> None:
    for name, value in GOOD.items():
        environment.setenv(name, value)
    assert (load(Settings).max_open_orders, load(Settings).reorder_pause_seconds) == (5, 900)

    environment.setenv("MAX_OPEN_ORDERS", "7")
    environment.setenv("REORDER_PAUSE_SECONDS", "0")
    assert (load(Settings).max_open_orders, load(Settings).reorder_pause_seconds) == (7, 0)


def test_the_process_ends_with_one_line_and_exit_code_1() -> None:
    ended = run_module("orders", environment={name: GOOD[name] for name in ("MONGO_URI", "NATS_URL")})

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Cannot start: set JWT_PUBLIC_KEYS (missing), RECEIPT_KEYS (missing)\n"
