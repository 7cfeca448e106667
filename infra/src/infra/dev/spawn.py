"""Starting children that outlive nobody."""

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


def raise_open_files() -> None:
    """Two thousand clients are as many sockets, twice: the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def die_with_parent(sent: signal.Signals) -> Callable[[], None] | None:
    """For the child, before its program: the kernel sends it `sent` when this process ends, even by -9.

    Linux only; elsewhere a runner that was killed with -9 leaves its children to be stopped by hand.
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


async def spawn(command: Sequence[str], env: Mapping[str, str], orphaned: signal.Signals) -> Process:
    """A child in a session of its own: the terminal's Ctrl-C reaches the runner alone. Output in one pipe."""
    return await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(orphaned),
    )
