"""`python -m infra.mailbox FOLDER SMTP_PORT PAGE_PORT`: takes mails and shows them, until SIGTERM."""

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path

from aiohttp import web

from infra.mailbox.page import create_page
from infra.mailbox.smtp import protocol
from infra.mailbox.store import Store

HERE = "127.0.0.1"


async def serve(folder: Path, smtp_port: int, page_port: int) -> None:
    store = Store(folder)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for sent in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sent, stop.set)
    runner = web.AppRunner(create_page(store), access_log=None)
    await runner.setup()
    smtp = await loop.create_server(partial(protocol, store), HERE, smtp_port)
    try:
        await web.TCPSite(runner, HERE, page_port).start()
        await stop.wait()
    finally:
        smtp.close()
        await runner.cleanup()


if __name__ == "__main__":
    folder, smtp_port, page_port = sys.argv[1:]
    asyncio.run(serve(Path(folder), int(smtp_port), int(page_port)))
