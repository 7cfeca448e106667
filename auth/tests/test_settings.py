import pytest

from auth.settings import Settings
from common.testing.browser import JWT_KEY, JWT_PUBLIC_KEYS
from common.testing.process import run_module

GOOD = {
    "NATS_URL": "nats://127.0.0.1:1",
    "MONGO_URI": "mongodb://127.0.0.1:1/",
    "JWT_KEY": JWT_KEY,
    "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
    "CLIENT_ADDRESS_KEY": "a" * 32,
    "DEVICE_KEY": "d" * 32,
    "PUBLIC_URL": "https://gittix.test",
    "MAIL_URL": "smtps://gittix:secret-of-mail@mail.gittix.test",
    "MAIL_FROM": "tickets@gittix.test",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URI", None),
        ("NATS_URL", None),
        ("NATS_SEED", "short"),
        ("JWT_KEY", None),
        ("MONGO_URI", "postgres://x/"),
        ("JWT_KEY", "short"),
        ("JWT_KEY", "ed25519:short"),
        ("JWT_KEY", f"{JWT_KEY},{'s' * 32}"),
        ("JWT_PUBLIC_KEYS", "short"),
        ("JWT_PUBLIC_KEYS", JWT_KEY),
        ("CLIENT_ADDRESS_KEY", None),
        ("CLIENT_ADDRESS_KEY", "short"),
        ("DEVICE_KEY", None),
        ("DEVICE_KEY", "short"),
        ("PUBLIC_URL", None),
        ("PUBLIC_URL", "gittix.test"),
        ("PUBLIC_URL", "https://gittix.test/shop"),
        ("MAIL_URL", None),
        ("MAIL_URL", "http://mail.gittix.test"),
        ("MAIL_URL", "smtp://gittix:secret-of-mail@mail.gittix.test:no-port"),
        ("MAIL_FROM", None),
        ("MAIL_FROM", "tickets"),
        ("MAIL_FROM", "a@gittix.test, b@gittix.test"),
        ("SIGN_UPS_PER_HOUR", "-1"),
        ("MAX_FAILED_SIGN_INS", "1001"),
        ("PORT", "x"),
    ],
)
def test_a_bad_variable_stops_the_start_by_its_name(name: str, value: str | None) -> None:
    environment = {k: v for k, v in GOOD.items() if k != name} | ({} if value is None else {name: value})

    process = run_module("auth", environment=environment)

    assert process.returncode == 1
    assert process.stdout == ""
    (line,) = process.stderr.splitlines()
    assert name in line
    assert JWT_KEY not in line
    assert value is None or not line.replace("shorter", "").count("short")


def test_the_settings_show_no_key() -> None:
    settings = Settings.model_validate({name.lower(): value for name, value in GOOD.items()})

    assert JWT_KEY not in repr(settings)
    assert "a" * 32 not in repr(settings)
    assert "secret-of-mail" not in repr(settings)
