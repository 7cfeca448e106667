import subprocess
import sys

import pytest

MAPPED = """
import ctypes
from tickets.finding import memory

class Info(ctypes.Structure):  # mallinfo2(3)
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd a b c d e".split()]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Info
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
{first}
library.free(library.malloc(8 << 20))
before = library.mallinfo2().hblks
blocks = [library.malloc(1 << 20) for _ in range(20)]
print(library.mallinfo2().hblks - before)
"""


@pytest.mark.parametrize(("first", "mapped"), [("", 0), ("memory.give_back()", 20)])
def test_a_large_block_is_mapped_apart_also_after_a_larger_one_was_freed(first: str, mapped: int) -> None:
    program = [sys.executable, "-c", MAPPED.format(first=first)]

    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)

    if "mallinfo2" in done.stderr:
        pytest.skip("the C library has no mallinfo2")
    assert done.stdout == f"{mapped}\n", done.stderr
