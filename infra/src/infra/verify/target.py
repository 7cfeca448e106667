"""Running system for a command: the one of `make run`, else one that is started for the command."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from common.messaging.nats_connection import Identity
from common.runtime.settings import ADMINISTRATOR
from infra.dev import seeds


@dataclass(frozen=True, slots=True)
class Target:
    """System under test.

    `record` is the runner's `run.json`: pids, ports and addresses, updated after restarts.
    """

    edge: str
    record: Path

    def read(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = json.loads(self.record.read_text())
        return content

    def pid(self, process: str) -> int | None:
        pid: int | None = self.read()["processes"].get(process)
        return pid

    def url(self, name: str) -> str:
        return str(self.read()["urls"][name])

    def identity(self, user: str = ADMINISTRATOR) -> Identity | None:
        """A user of the system's broker; None where it has no users."""
        return seeds.identity(self.record.parent, user)


def find(module: str) -> Target:
    """The system that RUN_JSON names, or that runs in DATA_DIR.

    Without such a system this does not return: the command restarts inside `infra.dev.testing`, which starts
    a system on free ports and stops it afterwards.
    """
    record = Path(os.environ.get("RUN_JSON") or Path(os.environ.get("DATA_DIR", ".data")) / "run.json")
    if not record.exists():
        _begin_again(module)
    target = Target("", record)
    return Target(os.environ.get("EDGE_URL") or target.url("edge"), record)


def own(module: str) -> Target:
    """A system that was started for this command only: for commands that destroy data.

    Outside of such a system this does not return, as `find`.
    """
    if "RUN_JSON" not in os.environ:
        _begin_again(module)
    return Target(os.environ["EDGE_URL"], Path(os.environ["RUN_JSON"]))


def _begin_again(module: str) -> NoReturn:
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    python = [sys.executable, "-m"]
    command = [*python, "infra.dev.testing", "--system", "--", *python, module, *sys.argv[1:]]
    os.execv(sys.executable, command)
