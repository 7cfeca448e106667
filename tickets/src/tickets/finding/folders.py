"""Folder of one process's index: the first one that no other process has, so that a restart finds its own."""

import fcntl
import os
import shutil
from itertools import count
from pathlib import Path

from tickets.finding.entries import FORMAT


class Folder:
    """Claimed until it is closed, or the process ends. Raises OSError where it can't be made."""

    def __init__(self, directory: Path) -> None:
        for number in count():
            home = directory / str(number)
            home.mkdir(parents=True, exist_ok=True)
            lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                break
        self._home, self._lock = home, lock
        for other in home.glob("format-*"):
            if other != self.path:
                shutil.rmtree(other, ignore_errors=True)
        self.path.mkdir(exist_ok=True)

    @property
    def path(self) -> Path:
        return self._home / f"format-{FORMAT}"

    def empty(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(exist_ok=True)

    def close(self) -> None:
        os.close(self._lock)
