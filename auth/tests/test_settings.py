import pytest

from auth.settings import Settings
from common.runtime.settings import load
from common.testing.browser import JWT_KEY, JWT_PUBLIC_KEYS
from common.testing.process import run_module

GOOD = {
    "MONGO_URI": "mongodb://127.0.0.1:1/",
    "JWT_KEY": JWT_KEY,
    "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
    "CLIENT_ADDRESS_KEY": "a" * 32,
    "DEVICE_KEY": "d" * 32,
    "PUBLIC_URL": "https://gittix.test",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URI", None),
        ("JWT_KEY", None),
        ("MONGO_URI", "postgres://x/"),
        ("JWT_KEY", "short"),
        ("JWT_KEY", "ed25519:short"),
        ("JWT_KEY", f"{JWT_KEY},short"),
        ("JWT_PUBLIC_KEYS", "short"),
        ("JWT_PUBLIC_KEYS", JWT_KEY),
        ("CLIENT_ADDRESS_KEY", None),
        ("CLIENT_ADDRESS_KEY", "short"),
        ("DEVICE_KEY", None),
        ("DEVICE_KEY", "short"),
        ("PUBLIC_URL", None),
        ("PUBLIC_URL", "gittix.test"),
        ("PUBLIC_URL", "https://gittix.test/shop"),
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


def test_with_the_key_of_the_release_before_a_start_needs_no_other(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MONGO_URI", GOOD["MONGO_URI"])
    environment.setenv("PUBLIC_URL", GOOD["PUBLIC_URL"])
    for key in ("s" * 32, f"{JWT_KEY},{'s' * 32}"):
        environment.setenv("JWT_KEY", key)
        assert load(Settings).client_address_key == "s" * 32
