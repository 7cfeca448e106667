"""Settings: a missing or wrong variable stops the start and is named."""

import pytest

from common.runtime.settings import load
from common.testing.browser import JWT_PUBLIC_KEYS
from payments.settings import Settings

NEEDED = {
    "MONGO_URI": "mongodb://db",
    "NATS_URL": "nats://broker",
    "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
    "STRIPE_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
    "PUBLIC_URL": "https://gittix.test",
}


def _set(environment: pytest.MonkeyPatch, **changes: str | None) -> None:
    for name, value in {**NEEDED, **changes}.items():
        if value is not None:
            environment.setenv(name, value)


def test_stripe_is_the_default(environment: pytest.MonkeyPatch) -> None:
    _set(environment)
    settings = load(Settings)
    assert (settings.payment_gateway, settings.stripe_key) == ("stripe", "sk_test_x")


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [None, ""])
def test_each_is_needed_by_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str | None
) -> None:
    _set(environment, **{name: value})
    with pytest.raises(SystemExit) as stop:
        load(Settings)
    assert stop.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert name in line
    assert all(other not in line for other in NEEDED if other != name)


def test_the_fake_needs_neither_key_nor_secret(environment: pytest.MonkeyPatch) -> None:
    _set(environment, STRIPE_KEY=None, STRIPE_WEBHOOK_SECRET=None, PUBLIC_URL=None, PAYMENT_GATEWAY="fake")
    assert load(Settings).stripe_webhook_secret == ""


def test_the_limits_of_declines_are_five_and_twenty_unless_set(environment: pytest.MonkeyPatch) -> None:
    _set(environment)
    assert (load(Settings).max_declines, load(Settings).max_declines_per_day) == (5, 20)

    _set(environment, MAX_DECLINES="3", MAX_DECLINES_PER_DAY="9")
    assert (load(Settings).max_declines, load(Settings).max_declines_per_day) == (3, 9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("FEE_PERCENT", value) for value in ("-1", "50.01", "0.125", "some")),
        *(("PUBLIC_URL", value) for value in ("gittix.test", "https://gittix.test/shop")),
        *(("MAX_DECLINES", value) for value in ("0", "10001", "some")),
        *(("MAX_DECLINES_PER_DAY", value) for value in ("-1", "1001", "some")),
    ],
)
def test_a_limit_out_of_bounds_is_refused_by_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    _set(environment, **{name: value})
    with pytest.raises(SystemExit):
        load(Settings)
    assert name in capsys.readouterr().err


def test_another_gateway_is_refused_by_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _set(environment, PAYMENT_GATEWAY="paypal")
    with pytest.raises(SystemExit):
        load(Settings)
    assert "PAYMENT_GATEWAY" in capsys.readouterr().err
