"""Child processes that end when their parent ends."""

import asyncio
import ctypes
import os
import resource
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 65536
PRIVATE = 0o077
"""Files that a child creates are for its user only."""


def raise_open_files() -> None:
    """Raise the soft limit of open files.

    Two thousand clients need two sockets each; the usual limit is 1,024.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def die_with_parent(sent: signal.Signals) -> Callable[[], None] | None:
    """Function for the child, before its program: the child receives `sent` when this process ends.

    The kernel sends the signal, even if this process ends by -9. Linux only: elsewhere a runner that was
    killed with -9 leaves its children running; stop them by hand.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arm


def _prepared(arm: Callable[[], None] | None) -> Callable[[], None]:
    """Function for the child, before its program. uvloop's loop takes no argument `umask`."""

    def prepare() -> None:
        os.umask(PRIVATE)
        if arm is not None:
            arm()

    return prepare


async def spawn(command: Sequence[str], env: Mapping[str, str], orphaned: signal.Signals) -> Process:
    """Start a child in its own session: only the runner receives the terminal's Ctrl-C.

    stdout and stderr share one pipe. Files that it creates are for its user only: they hold users' data.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
        preexec_fn=_prepared(die_with_parent(orphaned)),
    )
