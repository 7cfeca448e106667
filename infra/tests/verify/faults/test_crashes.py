"""Kills at the calls to the payment provider, a few of each; `make crashes` has hundreds, at every point."""

import subprocess
import sys

import pytest

from common.base import crash_points
from infra.verify.faults import provider
from infra.verify.faults.crashes import POINTS

KILLS = 2


def test_every_point_of_the_library_and_of_the_provider_is_tried() -> None:
    assert (*crash_points.POINTS, *provider.POINTS) == POINTS
    assert len(set(POINTS)) == len(POINTS)


@pytest.mark.connected
def test_a_process_that_dies_at_a_call_to_the_provider_loses_no_money() -> None:
    command = [sys.executable, "-m", "infra.verify.faults.crashes", "--runs", str(KILLS)]

    done = subprocess.run(
        [*command, "after-authorize", "before-capture"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
