import pytest

from common.runtime.settings import load
from common.testing.browser import JWT_KEY, JWT_PUBLIC_KEYS
from common.testing.process import run_module
from common.testing.refusal import refusal
from tickets.settings import Settings

GOOD = {
    "MONGO_URI": "mongodb://mongo",
    "NATS_URL": "nats://nats",
    "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
    "FILES_URL": "memory:///",
    "FILES_KEY": "f" * 32,
    "BARCODE_KEY": "b" * 32,
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
        ("PORT", "http"),
        ("LOG_LEVEL", "LOUD"),
        ("COOKIE_SECURE", "maybe"),
        ("MAX_LISTINGS", "0"),
        ("MAX_LISTINGS", "1000001"),
        ("LISTINGS_PER_HOUR", "-1"),
        ("LISTINGS_PER_HOUR", "1001"),
        ("FILES_URL", "/srv/files"),
        ("FILES_URL", "file://"),
        ("FILES_URL", "ftp://host/files"),
        ("FILES_URL", "file:///proc/nowhere"),
        ("FILES_KEY", "too short"),
        ("FILES_KEY", "f" * 32 + ","),
        ("BARCODE_KEY", ""),
    ],
)
def test_a_malformed_variable_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    said = refusal(Settings, GOOD | {variable: value}, environment, capsys)

    assert said.startswith(f"Cannot start: set {variable} (")
    assert said.count("\n") == 1


def test_a_seller_has_100_listings_and_30_new_ones_an_hour_unless_set(
    environment: pytest.MonkeyPatch,
) -> None:
    for name, value in GOOD.items():
        environment.setenv(name, value)
    assert (load(Settings).max_listings, load(Settings).listings_per_hour) == (100, 30)

    environment.setenv("MAX_LISTINGS", "7")
    environment.setenv("LISTINGS_PER_HOUR", "0")
    assert (load(Settings).max_listings, load(Settings).listings_per_hour) == (7, 0)


def test_the_process_ends_with_one_line_and_exit_code_1() -> None:
    ended = run_module(
        "tickets", environment={name: value for name, value in GOOD.items() if name != "JWT_PUBLIC_KEYS"}
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Cannot start: set JWT_PUBLIC_KEYS (missing)\n"
