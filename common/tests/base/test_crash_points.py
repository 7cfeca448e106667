"""A process dies at the crash point that its test chose, and at no other."""

import signal
import subprocess
import sys

import pytest

from common.base import crash_points
from common.testing.crashes import die_at

PASSES = """
from common.base.crash_points import reached
{chosen}
for number in range(3):
    reached("after-write")
    print(number, flush=True)
"""


def run(chosen: str) -> subprocess.CompletedProcess[str]:
    """Passes `after-write` three times. chosen: The arguments of `die_at`; empty to choose nothing."""
    choice = f"from common.testing.crashes import die_at; die_at({chosen})" if chosen else ""
    command = [sys.executable, "-c", PASSES.format(chosen=choice)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("chosen", "passed"), [("'after-write'", 0), ("'after-write', 1", 0), ("'after-write', 3", 2)]
)
def test_the_nth_pass_is_the_last_thing_a_process_does(chosen: str, passed: int) -> None:
    died = run(chosen)

    assert died.returncode == -signal.SIGKILL
    assert died.stdout.split() == [str(number) for number in range(passed)]


@pytest.mark.parametrize("chosen", ["", "'before-ack'", "'after-write', 4"])
def test_any_other_process_passes_by(chosen: str) -> None:
    lived = run(chosen)

    assert lived.returncode == 0
    assert lived.stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize(("point", "passes"), [("nowhere", 1), ("", 1), ("after-write", 0)])
def test_what_is_no_crash_point_can_not_be_chosen(point: str, passes: int) -> None:
    with pytest.raises(ValueError, match="no crash point"):
        die_at(point, passes)


def test_each_pass_calls_what_was_set_with_the_name_of_its_point() -> None:
    passed: list[str] = []
    crash_points.on_each(passed.append)
    crash_points.reached("after-write")
    crash_points.reached("before-ack")

    crash_points.on_each(None)
    crash_points.reached("after-write")

    assert passed == ["after-write", "before-ack"]
