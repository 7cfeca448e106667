"""Worker process: reads one file from its standard input, answers, and ends. `python -m tickets.files.worker`

It imports all that it needs, and then gives up the rest: memory and processor time beyond a bound, and
every new file, socket and process. A file that takes over a decoder has no network, no disk, no other file.
The service starts it with an empty environment, which holds no key.
"""

import gc
import os
import resource
import sys

from PIL import Image, MpoImagePlugin  # noqa: F401  # loaded before no file may be

from tickets.files import reading
from tickets.files.limits import CPU_SECONDS, MAX_BYTES, MEMORY_BYTES
from tickets.files.protocol import LENGTH, Refusal, encoded, framed

READY = b"\n"
"""Sent once the worker is confined."""

_BOUNDS = {
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_CPU: CPU_SECONDS,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 0,
    # No new descriptor: those that are open stay.
    resource.RLIMIT_NOFILE: 0,
    resource.RLIMIT_NPROC: 0,
}


def confine() -> None:
    """Irreversible: the hard limits are set, too."""
    Image.preinit()
    for bound, most in _BOUNDS.items():
        resource.setrlimit(bound, (most, most))


def answer(content: bytes) -> bytes:
    try:
        return encoded(reading.read(content))
    except reading.Refused as refused:
        return encoded(refused.reason)
    except MemoryError:
        gc.collect()
        return encoded(Refusal.UNREADABLE)


def main() -> None:
    source, target = sys.stdin.buffer, sys.stdout.buffer
    confine()
    target.write(READY)
    target.flush()
    (length,) = LENGTH.unpack(source.read(LENGTH.size))
    if length <= MAX_BYTES:
        target.write(framed(answer(source.read(length))))
        target.flush()
    # Nothing is left to be tidied up, and a file may have left a destructor in any state.
    os._exit(0)


if __name__ == "__main__":
    main()
