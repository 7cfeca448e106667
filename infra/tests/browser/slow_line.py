"""A slow line to the edge: a TCP proxy that delivers each answer half a second late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

DELAY_SECONDS = 0.5


@asynccontextmanager
async def slow_line(edge: str) -> AsyncIterator[str]:
    """The address of the slow line, for a browser; edge: Address of the edge."""
    target = urlsplit(edge)
    pipes: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        for pipe in (_pass(reader, far_writer, 0), _pass(far_reader, writer, DELAY_SECONDS)):
            task = asyncio.create_task(pipe)
            pipes.add(task)
            task.add_done_callback(pipes.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://{target.hostname}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in pipes:
            task.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    try:
        while data := await reader.read(65536):
            await asyncio.sleep(delay)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        # The browser broke the first of two clicks' requests off.
        return
    finally:
        writer.close()
