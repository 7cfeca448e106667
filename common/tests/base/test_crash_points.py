"""A process dies at the crash point that was set at its start, and at no other."""

import os
import signal
import subprocess
import sys

import pytest

from common.base import crash_points

PASSES = """
from common.base.crash_points import reached
for number in range(3):
    reached("after-write")
    print(number, flush=True)
"""


def run(point: str | None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, crash_points.VARIABLE: point} if point is not None else dict(os.environ)
    return subprocess.run(
        [sys.executable, "-c", PASSES], env=env, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize(
    ("point", "passed"), [("after-write", 0), ("after-write:1", 0), ("after-write:3", 2)]
)
def test_the_nth_pass_is_the_last_thing_a_process_does(point: str, passed: int) -> None:
    died = run(point)

    assert died.returncode == -signal.SIGKILL
    assert died.stdout.split() == [str(number) for number in range(passed)]


@pytest.mark.parametrize("point", [None, "", "before-ack", "after-write:4"])
def test_any_other_process_passes_by(point: str | None) -> None:
    lived = run(point)

    assert lived.returncode == 0
    assert lived.stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize("point", ["nowhere", "after-write:0", "after-write:-1", "after-write:x", ":2"])
def test_a_point_that_is_none_stops_the_start_by_name(point: str) -> None:
    stopped = run(point)

    assert stopped.returncode == 1
    assert stopped.stderr.startswith(f"Cannot start: set {crash_points.VARIABLE} ")
    assert len(stopped.stderr.splitlines()) == 1


def test_a_variable_that_is_set_later_arms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(crash_points.VARIABLE, "after-write")

    crash_points.reached("after-write")
