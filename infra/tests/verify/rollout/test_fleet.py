"""The replacement of one process, with fake processes."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.dev.config import from_env
from infra.dev.keys import generated
from infra.dev.output import Output
from infra.verify.rollout import balancer, fleet
from infra.verify.rollout.fleet import MEMBERS, Fleet, NotReady, Restart, free_ports
from infra.verify.rollout.versions import Version

OLD, NEW = Version("old", Path("old"), "python-old"), Version("new", Path("new"), "python-new")


class Process:
    """A process that notes what happens to it, and whether it was marked as leaving then."""

    def __init__(self, name: str, command: Any, env: Any, _output: Output, changed: Any) -> None:
        self.name, self.command, self.env = name, command, env
        self.pid = 4_000_000
        self._changed = changed

    async def start(self) -> None:
        self._changed()
        note(f"start {self.name} {self.command[0]}")

    async def stop(self) -> None:
        note(f"stop {self.name}")

    def crash(self) -> None:
        self._changed()


log: list[str] = []
marks: list[Path] = []


def note(what: str) -> None:
    is_marked = any(folder.exists() and any(folder.iterdir()) for folder in marks)
    log.append(f"{what}, leaving" if is_marked else what)


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    async def is_ready(*_: object) -> bool:
        note("ready")
        return True

    async def declare(_: Fleet, version: Version) -> None:
        note(f"declare for {version.name}")

    monkeypatch.setattr(Fleet, "declare", declare)
    monkeypatch.setattr(fleet, "Supervised", Process)
    monkeypatch.setattr(fleet, "is_ready", is_ready)
    monkeypatch.setattr(fleet, "DRAIN_SECONDS", 0.0)
    monkeypatch.setattr(os, "killpg", lambda _pid, sent: note(f"kill {signal.Signals(sent).name}"))
    config = replace(from_env({"DATA_DIR": str(tmp_path)}), ports=free_ports())
    with (tmp_path / "log").open("w") as file:
        found = Fleet(config, Output(MEMBERS, file), generated())
        marks[:] = [balancer.leaving(config)]
        await found.start(OLD)
    log.clear()
    return found


async def test_a_process_gets_no_requests_from_its_stop_until_its_successor_is_ready(running: Fleet) -> None:
    await running.replace(Restart("orders-2", kill=False), NEW)

    assert log == ["stop orders-2, leaving", "start orders-2 python-new, leaving", "ready, leaving"]
    assert not list(marks[0].iterdir())


async def test_a_kill_comes_without_a_warning(running: Fleet) -> None:
    await running.replace(Restart("orders-2", kill=True), NEW)

    assert log == ["kill SIGKILL", "stop orders-2", "start orders-2 python-new", "ready"]


async def test_the_worker_runs_the_code_of_its_version(running: Fleet) -> None:
    await running.replace(Restart("worker-1", kill=False), NEW)

    process: Any = running._members["worker-1"]
    assert process.command == ["python-new", "-m", "expiration", "worker"]
    assert process.env["PYTHONPATH"].startswith("new/common/src:")


async def test_an_end_without_a_replacement_is_a_crash(running: Fleet) -> None:
    await running.replace(Restart("tickets-1", kill=True), NEW)
    assert not running.crashes()

    process: Any = running._members["tickets-1"]
    process.crash()

    assert running.crashes() == {"tickets-1": 1}


async def test_a_process_that_does_not_get_ready_is_named(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_ready(*_: object) -> bool:
        return False

    monkeypatch.setattr(fleet, "is_ready", is_ready)
    monkeypatch.setattr(fleet, "READY_SECONDS", 0.0)
    with pytest.raises(NotReady, match="auth-1"):
        await running.replace(Restart("auth-1", kill=False), NEW)
