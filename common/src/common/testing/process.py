"""A service as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping


def run_module(*module: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs `python -m module` to its end, at most 30 s, with no variable but these."""
    return subprocess.run(
        [sys.executable, "-m", *module],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
