"""`make blog`: broker, services and edge on this machine, until Ctrl-C."""

import asyncio
import os
import signal

from blog.run.laptop import chosen, running


async def main() -> None:
    stop = asyncio.Event()
    for sent in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sent, stop.set)
    async with running(chosen(os.environ)) as blog:
        print(f"── the blog is at {blog.edge}  (Ctrl-C stops it)")
        print(f"── its event store at http://127.0.0.1:{blog.ports['events']}/events", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
