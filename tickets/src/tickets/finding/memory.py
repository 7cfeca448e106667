"""Returns the memory of the index's threads to the system.

tantivy writes, merges and commits in short-lived threads. glibc maps large blocks apart, and unmaps them once
they are freed; what counts as large grows with each that is freed, and the others stay with a thread's arena.
Without a fixed size, a process had 280 to 340 MB at most in 45 s of `make chaos SEED=5`; with it, 110 MB.
Source: mallopt(3), M_MMAP_THRESHOLD.
"""

import ctypes

_M_MMAP_THRESHOLD = -3
MAPPED_APART = 128 * 1024
"""Bytes; glibc's own first value."""


def give_back() -> None:
    """Fixes the size, for the whole process. Does nothing where the C library has no such option."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, MAPPED_APART)
