"""`python -m infra.dev [--demo | --clean]`: the system in the foreground until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import fcntl
import os
import shutil
import signal
import time
from pathlib import Path

import aiohttp

from infra.actors.person import Refused
from infra.dev import demo
from infra.dev.config import from_env
from infra.dev.narrator import narrate
from infra.dev.spawn import raise_open_files
from infra.dev.system import System


async def run(system: System, *, with_demo: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sent, stop.set)
    began = time.monotonic()
    work = asyncio.create_task(_bring_up(system, began, with_demo=with_demo))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            await stopped
        system.output.note("stopping")
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await system.stop()


async def _bring_up(system: System, began: float, *, with_demo: bool) -> None:
    await system.start()
    await system.ready()
    took = time.monotonic() - began
    sign_in = "sign up there, or run it with DEMO=1 for demo users and listings"
    if with_demo:
        sign_in = await _demo(system.config.edge_url)
    if system.output.for_people:
        await narrate(system.config.nats(), system.output, system.administrator)
    system.output.note(sign_in)
    if system.config.has_mailbox:
        system.output.note(f"mails: http://localhost:{system.config.ports['mailbox']}")
    port = system.config.ports["edge"]
    system.output.note(f"ready after {took:.1f} s: http://localhost:{port}  (Ctrl-C stops it)")


async def _demo(edge_url: str) -> str:
    """Create the demo data; returns the text that explains how to sign in."""
    try:
        await demo.fill(edge_url)
    except (aiohttp.ClientError, TimeoutError, Refused) as error:
        return f"the demo data could not be made: {error}"
    return demo.HOW_TO_SIGN_IN


def clean(data_dir: Path) -> None:
    """Delete the data folder. Raises SystemExit while a system runs on it."""
    if not data_dir.exists():
        return
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"{data_dir} is in use by a system that runs: stop it first") from None
        shutil.rmtree(data_dir)
    print(f"{data_dir} is removed")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.dev", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="create demo users and listings once")
    parser.add_argument("--clean", action="store_true", help="remove the data folder")
    arguments = parser.parse_args()
    config = from_env(os.environ)
    if arguments.clean:
        clean(config.data_dir)
        return
    raise_open_files()
    asyncio.run(run(System(config), with_demo=arguments.demo))


if __name__ == "__main__":
    main()
