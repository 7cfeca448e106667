import pytest

from common.testing.process import run_module

GOOD = {"MONGO_URI": "mongodb://127.0.0.1:1/", "JWT_KEY": "k" * 32, "DEVICE_KEY": "d" * 32}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URI", None),
        ("JWT_KEY", None),
        ("MONGO_URI", "postgres://x/"),
        ("JWT_KEY", "short"),
        ("DEVICE_KEY", None),
        ("DEVICE_KEY", "short"),
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
    assert "short" not in line
