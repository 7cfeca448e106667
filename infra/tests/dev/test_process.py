import asyncio
import io
import os
import signal
import sys

from infra.dev.output import Output
from infra.dev.process import BACKOFF, Supervised, delay, describe


def supervised(code: str, stream: io.StringIO) -> tuple[Supervised, list[int | None]]:
    pids: list[int | None] = []
    process = Supervised(
        "it", [sys.executable, "-c", code], {}, Output(["it"], stream), lambda: pids.append(process.pid)
    )
    return process, pids


async def until(text: str, stream: io.StringIO) -> None:
    async with asyncio.timeout(10):
        while text not in stream.getvalue():
            await asyncio.sleep(0.01)


async def test_a_process_that_dies_is_reported_and_started_again() -> None:
    stream = io.StringIO()
    process, pids = supervised(
        "import os, time; print('up', os.getpid(), flush=True); time.sleep(60)", stream
    )
    await process.start()
    first = process.pid
    await until("up", stream)
    assert first is not None

    os.kill(first, signal.SIGKILL)
    await until("ended by SIGKILL: starting it again now", stream)
    async with asyncio.timeout(10):
        while len(pids) < 2:
            await asyncio.sleep(0.01)
    await process.stop()

    assert process.pid is None
    assert pids[0] == first
    assert pids[1] != first


async def test_a_process_that_ignores_sigterm_is_killed() -> None:
    stream = io.StringIO()
    process, _ = supervised(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
        stream,
    )
    await process.start()
    await until("deaf", stream)

    await process.stop(timeout=0.2)

    assert process.pid is None
    assert "did not stop within 0.2 s" in stream.getvalue()


async def test_lines_carry_the_name_of_their_process() -> None:
    stream = io.StringIO()
    process, _ = supervised("print('one'); print('two', end='')", stream)
    await process.start()
    await until("two", stream)
    await process.stop()

    assert "it | one\nit | two\n" in stream.getvalue()


def test_the_first_restart_is_at_once_and_later_ones_wait_longer() -> None:
    assert delay(0) == 0
    assert [delay(n) for n in range(len(BACKOFF))] == sorted(BACKOFF)
    assert delay(100) == BACKOFF[-1]


def test_the_end_of_a_process_is_described() -> None:
    assert describe(-9) == "was ended by SIGKILL"
    assert describe(1) == "ended with code 1"
