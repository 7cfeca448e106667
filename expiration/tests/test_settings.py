import pytest

from common.testing.process import run_module
from common.testing.refusal import refusal
from expiration.settings import Settings

GOOD = {"NATS_URL": "nats://nats", "REDIS_URL": "redis://redis"}


@pytest.mark.parametrize("variable", GOOD)
def test_a_missing_variable_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    others = {name: value for name, value in GOOD.items() if name != variable}

    assert refusal(Settings, others, environment, capsys) == f"Cannot start: set {variable} (missing)\n"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("NATS_URL", "nats"), ("REDIS_URL", ""), ("REDIS_URL", "http://redis"), ("REDIS_URL", "redis://")],
)
def test_a_malformed_variable_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    said = refusal(Settings, GOOD | {variable: value}, environment, capsys)

    assert said.startswith(f"Cannot start: set {variable} (")
    assert said.count("\n") == 1


@pytest.mark.parametrize("module", [["expiration"], ["expiration", "worker"]], ids=" ".join)
def test_each_process_ends_with_one_line_and_exit_code_1(module: list[str]) -> None:
    ended = run_module(*module, environment={"NATS_URL": GOOD["NATS_URL"]})

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Cannot start: set REDIS_URL (missing)\n"
