"""An app on a server in this process, with a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.runtime.server import Server, server_config
from common.runtime.settings import ProxySettings, ServiceSettings


@asynccontextmanager
async def served(app: FastAPI, proxies: ProxySettings | None = None) -> AsyncIterator[int]:
    """The port of a server that runs `app` as a service does."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(server_config(app, ServiceSettings(), proxies or ProxySettings()), lambda: None)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.001)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task
