"""The fake APIs behind an edge with real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.fake_apis import FakeApis


class Edge:
    """An edge that runs.

    most: Most requests that were in progress at a time.
    together: Number of requests that are in progress before any of them is answered.
    """

    def __init__(self, apis: FakeApis, together: int) -> None:
        self._apis = apis
        self._in_progress = 0
        self._together = asyncio.Barrier(together)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.most = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        # uvicorn takes a bound method for an app of ASGI 2, unless the interface is named.
        config = uvicorn.Config(self._app, interface="asgi3", lifespan="off", log_config=None, ws="none")
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listening]))

    @property
    def connections(self) -> set[int]:
        """Identities of the open connections."""
        return {id(connection) for connection in self._server.server_state.connections}

    async def ready(self) -> None:
        while not self._server.started:
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._serving

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._in_progress += 1
        self.most = max(self.most, self._in_progress)
        await self._together.wait()
        await self._answer(scope, receive, send)
        self._in_progress -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        url = f"http://edge.test{scope['path']}?{scope['query_string'].decode()}"
        request = httpx.Request(scope["method"], url, headers=scope["headers"], content=body)
        response = await self._apis.handle_async_request(request)
        headers = response.headers.raw
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})


@asynccontextmanager
async def edge(apis: FakeApis, together: int = 1) -> AsyncIterator[Edge]:
    running = Edge(apis, together)
    try:
        await running.ready()
        yield running
    finally:
        await running.stop()
