"""The reloader of the dev overlay, on a test module."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.deploy.manifests.rendered import K8S

RELOADER = K8S / "parts" / "reload" / "reload.py"
PROGRAM = """\
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit({code}))
with open("starts", "a") as starts:
    starts.write("{word} " + " ".join(sys.argv[1:]) + "\\n")
time.sleep(60)
"""


def write(folder: Path, word: str, code: int = 0) -> None:
    (folder / "program.py").write_text(PROGRAM.format(word=word, code=code))


def eventually(folder: Path, starts: list[str]) -> None:
    deadline = time.monotonic() + 20
    found: list[str] = []
    while time.monotonic() < deadline:
        if (folder / "starts").exists():
            found = (folder / "starts").read_text().split("\n")[:-1]
        if found == starts:
            return
        time.sleep(0.05)
    pytest.fail(f"{found} and not {starts}")


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    write(tmp_path, "first")
    environment = dict(os.environ) | {"RELOAD_CODE": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(RELOADER), "program", "worker"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_saved_file_restarts_the_module_with_its_arguments(
    running: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    eventually(tmp_path, ["first worker"])
    write(tmp_path, "second")
    eventually(tmp_path, ["first worker", "second worker"])
    assert running.poll() is None


def test_a_module_that_does_not_run_waits_for_the_next_change(
    running: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    eventually(tmp_path, ["first worker"])
    (tmp_path / "program.py").write_text("this is no Python")
    assert running.stderr
    while b"SyntaxError" not in running.stderr.readline():
        continue
    assert running.poll() is None
    write(tmp_path, "repaired")
    eventually(tmp_path, ["first worker", "repaired worker"])


def test_a_stop_is_passed_on_with_its_exit_code(running: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    eventually(tmp_path, ["first worker"])
    write(tmp_path, "second", code=7)
    eventually(tmp_path, ["first worker", "second worker"])
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 7
