import pytest

from common.settings import load
from common.testing.process import run_module
from expiration.settings import Settings

GOOD = {"NATS_URL": "nats://nats", "REDIS_URL": "redis://redis"}


@pytest.mark.parametrize("variable", GOOD)
def test_a_missing_variable_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    for name, value in GOOD.items():
        if name != variable:
            environment.setenv(name, value)

    with pytest.raises(SystemExit, match="1"):
        load(Settings)

    assert capsys.readouterr().err == f"Cannot start: set {variable} (missing)\n"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("NATS_URL", "nats"), ("REDIS_URL", ""), ("REDIS_URL", "http://redis"), ("REDIS_URL", "redis://")],
)
def test_a_malformed_variable_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    for name, text in (GOOD | {variable: value}).items():
        environment.setenv(name, text)

    with pytest.raises(SystemExit, match="1"):
        load(Settings)

    said = capsys.readouterr().err
    assert said.startswith(f"Cannot start: set {variable} (")
    assert said.count("\n") == 1


@pytest.mark.parametrize("module", [["expiration"], ["expiration", "worker"]], ids=" ".join)
def test_each_process_ends_with_one_line_and_exit_code_1(module: list[str]) -> None:
    ended = run_module(*module, environment={"NATS_URL": GOOD["NATS_URL"]})

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Cannot start: set REDIS_URL (missing)\n"
