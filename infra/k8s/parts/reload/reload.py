"""`python reload.py MODULE [ARGUMENT…]`: runs `python -m MODULE …`, and again whenever code changed.

For `skaffold dev`, whose file sync copies but restarts nothing. The standard library only, so that the
image of development is the image of production. A program that ends by itself (a syntax error, a missing
setting) is left ended until the next change. SIGTERM and SIGINT are passed on, and its exit code is this
one's.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CODE = Path(os.environ.get("RELOAD_CODE", "/app/src"))
POLL_SECONDS = 0.5
WATCHED = {".py", ".html", ".css", ".js", ".svg", ".txt"}


def state() -> dict[str, int]:
    """The moment of the last change of each watched file. Gone files are no entry."""
    moments = {}
    for folder, _, names in os.walk(CODE):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.splitext(name)[1] in WATCHED:
                try:
                    moments[path] = os.stat(path).st_mtime_ns
                except FileNotFoundError:
                    continue
    return moments


class Reloader:
    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def run(self) -> int:
        known = state()
        process = self._start()
        while not self._stopping:
            time.sleep(POLL_SECONDS)
            now = state()
            if now != known and not self._stopping:
                known = now
                sys.stderr.write("reload: the code changed\n")
                process.terminate()
                process.wait()
                process = self._start()
        return process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._process = subprocess.Popen(self._command)
        return self._process

    def _stop(self, number: int, _frame: object) -> None:
        self._stopping = True
        if self._process is not None:
            self._process.send_signal(number)


if __name__ == "__main__":
    sys.exit(Reloader([sys.executable, "-m", *sys.argv[1:]]).run())
